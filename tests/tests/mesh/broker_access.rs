//! What the broker allows: TLS with a client certificate only, and to each service only its topics.

use std::{path::PathBuf, time::Duration};

use mesh_data::{
    config::KafkaConfig,
    consumer::replay_dead_letters,
    kafka::{Producer, Record, client_config},
};
use prost::{Message, Name};
use proto::{
    notify::v1::{MailStateChanged, NotificationState},
    topics::Event,
};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
};
use setup::acl::{self, Operation, Resource, Rule, dead_letters};
use tests::{PATIENCE, service::kafka_config};
use topology::Service;
use uuid::Uuid;

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

/// Returns the groups of which a service may be a member.
fn groups(service: Service) -> impl Iterator<Item = String> {
    acl::rules(service).into_iter().filter_map(|rule| match rule.resource {
        Resource::Group(group) | Resource::Groups(group) => Some(group),
        Resource::Topic(_) => None,
    })
}

/// Returns a topic that a service may read.
fn readable_topic(service: Service) -> String {
    let mut topics = acl::rules(service).into_iter().filter_map(|rule| match rule {
        Rule { resource: Resource::Topic(topic), operation: Operation::Read } => Some(topic),
        _ => None,
    });
    topics.next().unwrap_or_else(|| panic!("{} reads one", service.name()))
}

fn connect(config: &KafkaConfig, wait_max: Duration) -> Result<(), KafkaError> {
    let consumer: BaseConsumer = client_config(config).create()?;
    consumer.fetch_metadata(None, wait_max).map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_tls_or_without_a_certificate_is_rejected() {
    /// A client tries again and again until then.
    const ATTEMPTS_MAX: Duration = Duration::from_secs(5);
    let own = kafka_config("order-svc");
    connect(&own, PATIENCE).expect("a service has a certificate");
    let without_certificate = KafkaConfig {
        kafka_tls_cert_file: PathBuf::new(),
        kafka_tls_key_file: PathBuf::new(),
        ..own.clone()
    };
    connect(&without_certificate, ATTEMPTS_MAX).expect_err("no certificate");
    let plaintext = KafkaConfig { kafka_tls_ca_file: PathBuf::new(), ..own };
    connect(&plaintext, ATTEMPTS_MAX).expect_err("no TLS");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_publishes_to_no_foreign_topic() {
    for service in Service::with_database() {
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
    for service in Service::with_database() {
        let group = groups(service).next().unwrap_or_else(|| panic!("{} has one", service.name()));
        let rules = acl::rules(service);
        for topic in topics() {
            let resource = Resource::Topic(topic.clone());
            let allowed = rules.contains(&Rule { resource, operation: Operation::Read });
            let result = read_first(service, &group, &topic);
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

#[tokio::test(flavor = "multi_thread")]
async fn a_service_replays_a_record_that_its_dead_letter_queue_did_not_accept() {
    let topic = MailStateChanged::TOPIC;
    // It is about an order that does not exist, so its consumer ignores it.
    let event = MailStateChanged {
        event_id: Uuid::now_v7().to_string(),
        order_id: Uuid::now_v7().to_string(),
        state: NotificationState::Sent.into(),
        ..MailStateChanged::default()
    };
    let original = Record {
        message: MailStateChanged::full_name(),
        payload: event.encode_to_vec(),
        ..record(topic)
    };
    let publisher = kafka_config("notify-svc");
    let producer = Producer::new(&publisher).expect("good settings");
    producer.publish(&[original]).await.expect("its own topic");
    let dead_letter = Record {
        headers: vec![
            ("dead-letter-source".into(), last_record(topic)),
            ("dead-letter-omitted-bytes".into(), "1048576".into()),
        ],
        ..record(&dead_letters(topic))
    };
    let consumer = Producer::new(&kafka_config("order-svc")).expect("good settings");
    consumer.publish(&[dead_letter]).await.expect("the queue of a topic that it consumes");
    let count = replay_dead_letters(&publisher, topic).await.expect("a readable source");
    assert!(count > 0);
}

/// Returns the place of the last record of a partition of notify-svc's `topic`, as
/// `topic/partition/offset`.
fn last_record(topic: &str) -> String {
    let consumer = consumer(Service::NOTIFY, "notify-svc").expect("good settings");
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).expect("its own topic");
    let mut partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
    let place = partitions.find_map(|partition| {
        let ends = consumer.fetch_watermarks(topic, partition.id(), PATIENCE);
        let (first, end) = ends.expect("its own topic");
        (first < end).then(|| format!("{topic}/{}/{}", partition.id(), end - 1))
    });
    place.expect("a record was published")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_no_member_of_a_foreign_group() {
    for service in Service::with_database() {
        let topic = readable_topic(service);
        let own: Vec<String> = groups(service).collect();
        let foreign =
            Service::with_database().flat_map(groups).filter(|group| !own.contains(group));
        for group in foreign {
            let error = join(service, &group, &topic).expect_err(&group);
            let rejected = Some(RDKafkaErrorCode::GroupAuthorizationFailed);
            assert_eq!(code(&error), rejected, "{} in {group}: {error}", service.name());
        }
    }
}

fn consumer(service: Service, group: &str) -> Result<BaseConsumer, KafkaError> {
    client_config(&kafka_config(service.name()))
        .set("group.id", group)
        .set("enable.partition.eof", "true")
        .set("enable.auto.commit", "false")
        .create()
}

/// Consumes one partition without joining `group`, until a record, the end, or an error.
fn read_first(service: Service, group: &str, topic: &str) -> Result<(), KafkaError> {
    let consumer = consumer(service, group)?;
    // A consumer of a topic that it may not even see waits until it appears.
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE)?;
    if let Some(error) = metadata.topics().first().and_then(|topic| topic.error()) {
        return Err(KafkaError::MetadataFetch(error.into()));
    }
    let mut partitions = TopicPartitionList::new();
    partitions.add_partition_offset(topic, 0, Offset::Beginning)?;
    consumer.assign(&partitions)?;
    first_event(&consumer)
}

/// Joins `group` to consume `topic`, until a record, the end of a partition, or an error.
fn join(service: Service, group: &str, topic: &str) -> Result<(), KafkaError> {
    let consumer = consumer(service, group)?;
    consumer.subscribe(&[topic])?;
    first_event(&consumer)
}

fn first_event(consumer: &BaseConsumer) -> Result<(), KafkaError> {
    match consumer.poll(PATIENCE).expect("a response of the broker") {
        Ok(_) | Err(KafkaError::PartitionEOF(_)) => Ok(()),
        Err(error) => Err(error),
    }
}
