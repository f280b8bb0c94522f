//! The records of all topics of the mesh, read from their beginning.

use std::time::Duration;

use mesh::BoxError;
use mesh_data::{
    config::KafkaConfig,
    kafka::{Record, client_config},
};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
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
        .set("enable.partition.eof", "true")
        .create()?;
    let metadata = consumer.fetch_metadata(None, TIMEOUT)?;
    let mut partitions = TopicPartitionList::new();
    for topic in metadata.topics() {
        let name = topic.name();
        if !proto::topics::ALL.contains(&name.trim_end_matches("-dlq")) {
            continue;
        }
        for partition in topic.partitions() {
            partitions.add_partition_offset(name, partition.id(), Offset::Beginning)?;
        }
    }
    consumer.assign(&partitions)?;
    let (mut records, mut read) = (Vec::new(), 0);
    while read < partitions.count() {
        match consumer.poll(TIMEOUT).ok_or("the broker does not respond")? {
            Ok(message) => records.push(Record::read(&message)),
            Err(KafkaError::PartitionEOF(_)) => read += 1,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(records)
}
