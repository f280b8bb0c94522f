//! Creates the Kafka topics of the contract.

use std::time::Duration;

use anyhow::{Result, bail};
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    types::RDKafkaErrorCode,
};
use tokio::time::{Instant, sleep};

/// Creates the topics that are missing, each with its dead-letter queue. Succeeds only when the
/// broker accepts requests.
pub async fn create(brokers: &str) -> Result<()> {
    const TIMEOUT: Duration = Duration::from_secs(2);
    let client: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", brokers).create()?;
    let names: Vec<String> = proto::topics::ALL
        .iter()
        .flat_map(|topic| [(*topic).to_owned(), format!("{topic}-dlq")])
        .collect();
    let shared = topology::topics();
    let retention_ms = shared.retention().as_millis().to_string();
    // -1: the broker's own replication factor.
    let topics: Vec<NewTopic<'_>> = names
        .iter()
        .map(|name| {
            NewTopic::new(name, shared.partitions, TopicReplication::Fixed(-1))
                .set("retention.ms", &retention_ms)
        })
        .collect();
    let options =
        AdminOptions::new().request_timeout(Some(TIMEOUT)).operation_timeout(Some(TIMEOUT));
    for result in client.create_topics(&topics, &options).await? {
        match result {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => bail!("cannot create the topic {topic}: {code}"),
        }
    }
    Ok(())
}

/// Creates the topics that are missing, and waits up to two minutes for the broker.
pub async fn create_when_ready(brokers: &str) -> Result<()> {
    const BROKER_WAIT_MAX: Duration = Duration::from_secs(120);
    const RETRY_DELAY: Duration = Duration::from_secs(1);
    let deadline = Instant::now() + BROKER_WAIT_MAX;
    loop {
        match create(brokers).await {
            Err(_) if Instant::now() < deadline => sleep(RETRY_DELAY).await,
            result => return result,
        }
    }
}
