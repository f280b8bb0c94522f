//! A database and topics of a test's own.

use std::time::Duration;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use mesh_data::{
    config::KafkaConfig,
    database::Database,
    kafka::{Producer, Record},
};
use prost::{Message, Name};
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
};
use setup::certificates::SETUP;
use tests::{PATIENCE, database, service};
use uuid::Uuid;

pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("tests/integration/migrations");

/// Opens a database with the schema of [`MIGRATIONS`].
pub async fn open_database() -> Database {
    let url = database::create("mesh-data", MIGRATIONS).await;
    Database::open(&database::config(&url), &MIGRATIONS).unwrap()
}

/// Returns the settings of the broker's administrator, who may use the topics of a test.
pub fn kafka_config() -> KafkaConfig {
    service::kafka_config(SETUP)
}

pub fn producer() -> Producer {
    Producer::new(&kafka_config()).unwrap()
}

/// A topic with one partition, and its dead-letter queue.
pub struct Topic {
    pub name: &'static str,
    dead_letters: String,
}

impl Topic {
    pub async fn create() -> Self {
        Self::with_partitions(1).await
    }

    pub async fn with_partitions(partitions: i32) -> Self {
        let topic = Self::absent();
        create(topic.name, partitions, &[]).await;
        create(&topic.dead_letters, 1, &[]).await;
        topic
    }

    /// A topic that does not exist, nor its dead-letter queue.
    pub fn absent() -> Self {
        let name: &str = format!("test-{}", Uuid::now_v7().simple()).leak();
        Self { name, dead_letters: format!("{name}-dlq") }
    }

    pub async fn create_queue(&self, config: &[(&str, &str)]) {
        create(&self.dead_letters, 1, config).await;
    }

    pub async fn create_topic(&self) {
        create(self.name, 1, &[]).await;
    }

    /// Joins the consumer group of the dead-letter queue, until it has the partition, and polls no
    /// more. Its place in the group ends with its poll interval.
    pub async fn join_queue(&self, group: &str) -> BaseConsumer {
        let consumer: BaseConsumer = client_config()
            .set("group.id", group)
            .set("session.timeout.ms", "6000")
            .set("max.poll.interval.ms", "7000")
            .create()
            .unwrap();
        consumer.subscribe(&[&self.dead_letters]).unwrap();
        tests::eventually("the partition", async || {
            drop(consumer.poll(Duration::from_millis(100)));
            (consumer.assignment().unwrap().count() > 0).then_some(())
        })
        .await;
        consumer
    }

    /// Publishes events, in this order.
    pub async fn publish(&self, events: &[&str]) {
        let records: Vec<_> = events.iter().map(|event| record(self.name, event)).collect();
        producer().publish(&records).await.unwrap();
    }

    /// Returns all records of the topic.
    pub fn records(&self) -> Vec<Record> {
        read(self.name)
    }

    /// Returns the events of all records of the topic.
    pub fn events(&self) -> Vec<String> {
        self.records().iter().map(event).collect()
    }

    /// Returns all records of the dead-letter queue.
    pub fn dead_letters(&self) -> Vec<Record> {
        read(&self.dead_letters)
    }
}

async fn create(name: &str, partitions: i32, config: &[(&str, &str)]) {
    let admin: AdminClient<DefaultClientContext> = client_config().create().unwrap();
    let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
    let topic = config.iter().fold(topic, |topic, (key, value)| topic.set(key, value));
    let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
    for created in admin.create_topics(&[topic], &options).await.unwrap() {
        created.unwrap();
    }
}

/// Returns the record of an event whose key is its text.
pub fn record(topic: &str, event: &str) -> Record {
    Record {
        topic: topic.into(),
        key: event.into(),
        message: String::full_name(),
        payload: event.to_owned().encode_to_vec(),
        traceparent: None,
        headers: Vec::new(),
    }
}

pub fn event(record: &Record) -> String {
    String::decode(&record.payload[..]).unwrap()
}

fn client_config() -> ClientConfig {
    mesh_data::kafka::client_config(&kafka_config())
}

/// Reads a topic from its beginning to its current high watermark.
fn read(topic: &str) -> Vec<Record> {
    let consumer: BaseConsumer = client_config().set("group.id", "unused").create().unwrap();
    let (low, high) = consumer.fetch_watermarks(topic, 0, PATIENCE).unwrap();
    let mut partitions = TopicPartitionList::new();
    partitions.add_partition_offset(topic, 0, Offset::Beginning).unwrap();
    consumer.assign(&partitions).unwrap();
    (low..high)
        .map(|_| {
            let message = consumer.poll(Duration::from_secs(20)).expect("a record arrives");
            Record::read(&message.unwrap())
        })
        .collect()
}
