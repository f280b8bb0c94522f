//! The records of all topics of the mesh, read from their beginning.

use std::{collections::HashMap, time::Duration};

use mesh::BoxError;
use mesh_data::{
    config::KafkaConfig,
    kafka::{Record, client_config},
};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    message::Message,
};

const TIMEOUT: Duration = Duration::from_secs(30);

/// Returns all records that the topics and the dead-letter queues contain now. Blocks the thread.
///
/// # Errors
/// The broker does not respond.
pub fn read_all(kafka: &KafkaConfig) -> Result<Vec<Record>, BoxError> {
    let consumer: BaseConsumer = client_config(kafka)
        .set("group.id", "reader")
        .set("enable.auto.commit", "false")
        .create()?;
    let metadata = consumer.fetch_metadata(None, TIMEOUT)?;
    let mut partitions = TopicPartitionList::new();
    // The offset at which each partition that is not empty ends.
    let mut ends = HashMap::new();
    for topic in metadata.topics() {
        let name = topic.name();
        if !proto::topics::ALL.contains(&name.trim_end_matches("-dlq")) {
            continue;
        }
        for partition in topic.partitions() {
            let (first, end) = consumer.fetch_watermarks(name, partition.id(), TIMEOUT)?;
            partitions.add_partition_offset(name, partition.id(), Offset::Offset(first))?;
            if first < end {
                ends.insert((name.to_owned(), partition.id()), end);
            }
        }
    }
    consumer.assign(&partitions)?;
    let mut records = Vec::new();
    while !ends.is_empty() {
        let message = consumer.poll(TIMEOUT).ok_or("the broker does not respond")??;
        let partition = (message.topic().to_owned(), message.partition());
        if ends.get(&partition).is_some_and(|end| message.offset() + 1 >= *end) {
            ends.remove(&partition);
        }
        records.push(Record::read(&message));
    }
    Ok(records)
}
