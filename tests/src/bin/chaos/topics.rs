//! The records of all topics, read from their beginning.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
};

use crate::Result;

const TIMEOUT: Duration = Duration::from_secs(30);

/// The keys of all records, by topic.
pub struct Topics(BTreeMap<String, Vec<String>>);

impl Topics {
    /// Reads all topics of the mesh.
    pub fn read(brokers: &str) -> Result<Self> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("group.id", "chaos")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .create()?;
        let metadata = consumer.fetch_metadata(None, TIMEOUT)?;
        let mut keys = BTreeMap::new();
        let mut partitions = TopicPartitionList::new();
        let mut remaining = 0;
        for topic in metadata.topics().iter().filter(|topic| !topic.name().starts_with("__")) {
            keys.insert(topic.name().to_owned(), Vec::new());
            for partition in topic.partitions() {
                partitions.add_partition_offset(topic.name(), partition.id(), Offset::Beginning)?;
                remaining += 1;
            }
        }
        consumer.assign(&partitions)?;
        while remaining > 0 {
            match consumer.poll(TIMEOUT).ok_or("the broker does not respond")? {
                Ok(record) => {
                    let key = String::from_utf8_lossy(record.key().unwrap_or_default());
                    keys.entry(record.topic().to_owned()).or_default().push(key.into_owned());
                }
                Err(rdkafka::error::KafkaError::PartitionEOF(_)) => remaining -= 1,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Self(keys))
    }

    /// Returns the subjects of the events in a topic.
    pub fn subjects(&self, topic: &str) -> BTreeSet<String> {
        self.0.get(topic).into_iter().flatten().cloned().collect()
    }

    /// Returns the number of events, repeated ones included.
    pub fn events(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// Returns the number of events that a consumer could not read.
    pub fn dead_letters(&self) -> usize {
        let queues = self.0.iter().filter(|(topic, _)| topic.ends_with("-dlq"));
        queues.map(|(_, keys)| keys.len()).sum()
    }
}
