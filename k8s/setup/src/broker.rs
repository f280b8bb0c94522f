//! What the broker needs before services connect: the topics of the contract, and who may use them.

use std::{path::PathBuf, time::Duration};

use anyhow::{Result, bail};
use clap::Args;
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    types::RDKafkaErrorCode,
};
use tokio::time::{Instant, sleep};

use crate::{acl, client_tls::ClientTls};

/// The broker, and how its administrator connects.
#[derive(Clone, Debug, Args)]
pub struct Broker {
    /// Kafka bootstrap servers, as `host:port,host:port`.
    #[arg(long = "kafka-brokers", env = "KAFKA_BROKERS")]
    pub servers: String,

    /// The administrator's certificate and what it trusts. `None`: connections without TLS, so that
    /// the broker knows nobody and has no access rules.
    #[command(flatten)]
    pub tls: Option<ClientTls>,
}

impl Broker {
    /// Creates the topics and access rules that are missing. Succeeds only when the broker accepts
    /// requests.
    pub async fn set_up(&self) -> Result<()> {
        // The broker applies both in this order: who sees the topics may use them.
        if let Some(tls) = &self.tls {
            acl::create(&self.servers, tls).await?;
        }
        self.create_topics().await
    }

    /// Like [`Self::set_up`], but waits up to two minutes for the broker.
    pub async fn set_up_when_ready(&self) -> Result<()> {
        const BROKER_WAIT_MAX: Duration = Duration::from_secs(120);
        const RETRY_DELAY: Duration = Duration::from_secs(1);
        let deadline = Instant::now() + BROKER_WAIT_MAX;
        loop {
            match self.set_up().await {
                Err(_) if Instant::now() < deadline => sleep(RETRY_DELAY).await,
                result => return result,
            }
        }
    }

    async fn create_topics(&self) -> Result<()> {
        const TIMEOUT: Duration = Duration::from_secs(2);
        let client: AdminClient<DefaultClientContext> = self.client_config().create()?;
        let names: Vec<String> = proto::topics::ALL
            .iter()
            .flat_map(|topic| [(*topic).to_owned(), acl::dead_letters(topic)])
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

    fn client_config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.servers);
        if let Some(tls) = &self.tls {
            let path = |file: &PathBuf| file.display().to_string();
            config
                .set("security.protocol", "ssl")
                .set("ssl.ca.location", path(&tls.ca))
                .set("ssl.certificate.location", path(&tls.certificate))
                .set("ssl.key.location", path(&tls.key));
        }
        config
    }
}
