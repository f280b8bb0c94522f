//! The events that the topics contain.

use std::collections::BTreeSet;

use mesh_data::kafka::Record;

/// All records of all topics.
pub struct Topics(pub Vec<Record>);

impl Topics {
    /// Returns the subjects of the events in a topic.
    pub fn subjects(&self, topic: &str) -> BTreeSet<String> {
        let records = self.0.iter().filter(|record| record.topic == topic);
        records.map(|record| record.key.clone()).collect()
    }

    /// Returns the number of events, repeated ones included.
    pub fn events(&self) -> usize {
        self.0.len() - self.dead_letters()
    }

    /// Returns the number of events that a consumer could not process.
    pub fn dead_letters(&self) -> usize {
        self.0.iter().filter(|record| record.topic.ends_with("-dlq")).count()
    }
}
