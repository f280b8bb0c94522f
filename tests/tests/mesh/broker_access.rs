//! What the broker allows: TLS with a client certificate only, and to each service only its topics.

use std::{path::PathBuf, time::Duration};

use mesh_data::{
    config::KafkaConfig,
    kafka::{Producer, Record, client_config},
};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
};
use setup::acl::{self, Operation, Resource, Rule, dead_letters};
use tests::{PATIENCE, service::kafka_config};
use topology::Service;

fn topics() -> Vec<String> {
    let names = proto::topics::ALL.iter();
    names.flat_map(|topic| [(*topic).to_owned(), dead_letters(topic)]).collect()
}

fn record(topic: &str) -> Record {
    Record {
        topic: topic.into(),
        key: "forged".into(),
        message: String::new(),
        payload: Vec::new(),
        traceparent: None,
        headers: Vec::new(),
    }
}

fn code(error: &KafkaError) -> Option<RDKafkaErrorCode> {
    error.rdkafka_error_code()
}

fn metadata(config: &KafkaConfig) -> Result<(), KafkaError> {
    let consumer: BaseConsumer = client_config(config).create()?;
    consumer.fetch_metadata(None, Duration::from_secs(3)).map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_tls_or_without_a_certificate_is_rejected() {
    let own = kafka_config("order-svc");
    metadata(&own).expect("a service has a certificate");
    let without_certificate = KafkaConfig {
        kafka_tls_cert_file: PathBuf::new(),
        kafka_tls_key_file: PathBuf::new(),
        ..own.clone()
    };
    metadata(&without_certificate).expect_err("no certificate");
    let plaintext = KafkaConfig { kafka_tls_ca_file: PathBuf::new(), ..own };
    metadata(&plaintext).expect_err("no TLS");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_publishes_to_no_foreign_topic() {
    for service in Service::all() {
        let producer = Producer::new(&kafka_config(service.name())).expect("good settings");
        let rules = acl::rules(service);
        for topic in topics() {
            let resource = Resource::Topic(topic.clone());
            if !rules.contains(&Rule { resource, operation: Operation::Write }) {
                let error = producer.publish(&[record(&topic)]).await.expect_err(&topic);
                let rejected = Some(RDKafkaErrorCode::TopicAuthorizationFailed);
                assert_eq!(code(&error), rejected, "{} to {topic}: {error}", service.name());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_reads_no_foreign_topic() {
    for service in Service::all() {
        let rules = acl::rules(service);
        for topic in topics() {
            let resource = Resource::Topic(topic.clone());
            let allowed = rules.contains(&Rule { resource, operation: Operation::Read });
            let result = read_first(service, &topic);
            let place = format!("{} from {topic}: {result:?}", service.name());
            if allowed {
                result.unwrap_or_else(|_| panic!("{place}"));
            } else {
                let rejected = Some(RDKafkaErrorCode::TopicAuthorizationFailed);
                assert_eq!(result.as_ref().err().and_then(code), rejected, "{place}");
            }
        }
    }
}

/// Consumes one partition until a record, its end, or an error.
fn read_first(service: Service, topic: &str) -> Result<(), KafkaError> {
    let mut config = client_config(&kafka_config(service.name()));
    let consumer: BaseConsumer = config
        .set("group.id", service.name())
        .set("enable.partition.eof", "true")
        .set("enable.auto.commit", "false")
        .create()?;
    let mut partitions = TopicPartitionList::new();
    partitions.add_partition_offset(topic, 0, Offset::Beginning)?;
    consumer.assign(&partitions)?;
    match consumer.poll(PATIENCE).expect("a response") {
        Ok(_) | Err(KafkaError::PartitionEOF(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_no_member_of_a_foreign_group() {
    let committed = |group: &str| {
        let config = client_config(&kafka_config("order-svc")).set("group.id", group).clone();
        let consumer: BaseConsumer = config.create().expect("good settings");
        let mut partitions = TopicPartitionList::new();
        partitions.add_partition("mail-state", 0);
        consumer.committed_offsets(partitions, PATIENCE).map(drop)
    };
    committed("order-svc-of-a-test").expect("a group of its own");
    let error = committed("notify-svc").expect_err("a group of notify-svc");
    assert_eq!(code(&error), Some(RDKafkaErrorCode::GroupAuthorizationFailed), "{error}");
}
