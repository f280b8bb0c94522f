//! The producer.

use std::fs;

use mesh_data::{config::KafkaConfig, kafka::Producer};
use tests::{eventually, service};

use crate::support::{Topic, kafka_config, record};

#[tokio::test]
async fn a_producer_whose_client_has_failed_for_good_publishes_with_a_new_one() {
    let (topic, folder) = (Topic::create().await, tempfile::tempdir().unwrap());
    let own = KafkaConfig {
        kafka_tls_cert_file: folder.path().join("client.pem"),
        kafka_tls_key_file: folder.path().join("client-key.pem"),
        ..kafka_config()
    };
    let authenticate_as = |from: KafkaConfig| {
        fs::copy(from.kafka_tls_cert_file, &own.kafka_tls_cert_file).unwrap();
        fs::copy(from.kafka_tls_key_file, &own.kafka_tls_key_file).unwrap();
    };
    // The broker lets it publish nothing, which is a fatal error of an idempotent producer.
    authenticate_as(service::kafka_config("gateway"));
    let producer = Producer::new(&own).unwrap();
    producer.publish(&[record(topic.name, "one")]).await.unwrap_err();
    // A client reads its certificate when it is created, and keeps it.
    authenticate_as(kafka_config());
    eventually("a client that may publish", async || {
        producer.publish(&[record(topic.name, "two")]).await.ok()
    })
    .await;
    assert_eq!(topic.events(), ["two"]);
}
