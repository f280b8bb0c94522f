//! The broker: one type of record, and a producer that waits until all replicas have acknowledged a
//! batch.

use std::{
    path::Path,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::{TryStreamExt, stream::FuturesUnordered};
use rdkafka::{
    ClientConfig, ClientContext, Message,
    error::{KafkaError, RDKafkaErrorCode},
    message::{BorrowedMessage, Header, Headers, OwnedHeaders},
    producer::{FutureProducer, FutureRecord, Producer as _},
};

use mesh::{BoxError, admin::Readiness, telemetry::TRACEPARENT};

use crate::config::KafkaConfig;

/// Header with the media type of the value.
const CONTENT_TYPE: &str = "content-type";
/// Header with the full name of the message in the value.
const MESSAGE: &str = "message";
const PROTOBUF: &str = "application/protobuf";
/// The producer reports a failure after this.
pub(crate) const PUBLISH_TIMEOUT: Duration = Duration::from_secs(10);

/// A record of a topic: a protobuf message, with the id of its subject as the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Name of the topic.
    pub topic: String,
    /// Id of its subject.
    pub key: String,
    /// Full name of the message.
    pub message: String,
    /// The encoded message.
    pub payload: Vec<u8>,
    /// Trace context of its cause.
    pub traceparent: Option<String>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
}

impl Record {
    /// Converts a message of the broker.
    pub fn read(message: &BorrowedMessage<'_>) -> Self {
        let text =
            |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
        let mut record = Self {
            topic: message.topic().to_owned(),
            key: text(message.key()),
            message: String::new(),
            payload: message.payload().unwrap_or_default().to_vec(),
            traceparent: None,
            headers: Vec::new(),
        };
        for header in message.headers().into_iter().flat_map(Headers::iter) {
            match header.key {
                CONTENT_TYPE => {}
                MESSAGE => record.message = text(header.value),
                TRACEPARENT => record.traceparent = Some(text(header.value)),
                key => record.headers.push((key.to_owned(), text(header.value))),
            }
        }
        record
    }

    fn owned_headers(&self) -> OwnedHeaders {
        let own = [(CONTENT_TYPE, PROTOBUF), (MESSAGE, &self.message)];
        let trace = self.traceparent.as_deref().map(|value| (TRACEPARENT, value));
        let further = self.headers.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        own.into_iter()
            .chain(trace)
            .chain(further)
            .fold(OwnedHeaders::new(), |headers, (key, value)| {
                headers.insert(Header { key, value: Some(value) })
            })
    }
}

/// Returns the settings that all clients of the broker share.
pub fn client_config(config: &KafkaConfig) -> ClientConfig {
    let mut client = ClientConfig::new();
    client
        .set("bootstrap.servers", &config.kafka_brokers)
        .set("allow.auto.create.topics", "false")
        .set("reconnect.backoff.max.ms", "2000")
        .set("socket.keepalive.enable", "true")
        .set("topic.metadata.refresh.interval.ms", "30000");
    let path = |file: &Path| file.to_string_lossy().into_owned();
    if !config.kafka_tls_ca_file.as_os_str().is_empty() {
        client
            .set("security.protocol", "ssl")
            .set("ssl.ca.location", path(&config.kafka_tls_ca_file))
            .set("ssl.certificate.location", path(&config.kafka_tls_cert_file))
            .set("ssl.key.location", path(&config.kafka_tls_key_file));
    }
    client
}

/// Whether the broker responded last time. Cheap to clone.
#[derive(Clone)]
pub struct BrokerState(Arc<AtomicBool>);

impl BrokerState {
    fn new() -> Self {
        let state = Self(Arc::default());
        state.set_down(false);
        state
    }

    /// Checks the state for a readiness report.
    ///
    /// # Errors
    /// One line, if the broker is down.
    pub fn check(&self) -> Result<(), String> {
        if self.0.load(Ordering::Relaxed) {
            return Err("no broker responds; events remain in the outbox".into());
        }
        Ok(())
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.0.store(down, Ordering::Relaxed);
        metrics::gauge!("kafka_up").set(if down { 0.0 } else { 1.0 });
    }
}

impl ClientContext for BrokerState {
    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) {
            self.set_down(true);
        }
        tracing::warn!(%error, reason, "kafka");
    }
}

/// Publishes records. Cheap to clone.
#[derive(Clone)]
pub struct Producer {
    settings: ClientConfig,
    client: Arc<RwLock<FutureProducer<BrokerState>>>,
    state: BrokerState,
}

impl Producer {
    /// Creates a producer that connects in the background.
    ///
    /// # Errors
    /// Settings that librdkafka rejects.
    pub fn new(config: &KafkaConfig) -> Result<Self, BoxError> {
        let state = BrokerState::new();
        let mut settings = client_config(config);
        settings
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "2")
            .set("compression.type", "lz4")
            .set("message.timeout.ms", PUBLISH_TIMEOUT.as_millis().to_string())
            // A topic that does not exist is reported after this.
            .set("topic.metadata.propagation.max.ms", "2000");
        let client = settings.create_with_context(state.clone())?;
        Ok(Self { settings, client: Arc::new(RwLock::new(client)), state })
    }

    fn client(&self) -> FutureProducer<BrokerState> {
        self.client.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces a client with a fatal error, after which it publishes nothing any more: it was not yet
    /// authorized, for example, because the broker had just started.
    fn replace_failed_client(&self) {
        let mut client = self.client.write().unwrap_or_else(PoisonError::into_inner);
        if client.client().fatal_error().is_none() {
            return;
        }
        match self.settings.create_with_context(self.state.clone()) {
            Ok(new) => *client = new,
            Err(error) => tracing::warn!(%error, "a failed client of the broker remains"),
        }
    }

    /// Publishes `records` and waits until all replicas have acknowledged all of them.
    ///
    /// # Errors
    /// The first failure. Other records may have been published.
    pub async fn publish(&self, records: &[Record]) -> Result<(), KafkaError> {
        let published: FuturesUnordered<_> =
            records.iter().map(|record| self.publish_one(record)).collect();
        published.try_collect().await
    }

    /// Publishes `record` and waits until all replicas have acknowledged it.
    ///
    /// # Errors
    /// A failure. The record may have been published if the broker did not respond.
    pub async fn publish_one(&self, record: &Record) -> Result<(), KafkaError> {
        let future_record = FutureRecord::to(&record.topic)
            .key(&record.key)
            .payload(&record.payload)
            .headers(record.owned_headers());
        let published = self.client().send(future_record, PUBLISH_TIMEOUT).await;
        if let Err((error, _)) = published {
            self.replace_failed_client();
            return Err(error);
        }
        self.state.set_down(false);
        Ok(())
    }

    /// Adds the state of the broker to `readiness` as an informational check.
    #[must_use]
    pub fn report_to(&self, readiness: Readiness) -> Readiness {
        let state = self.state.clone();
        readiness.report("kafka", move || std::future::ready(state.check()))
    }

    /// Returns the state of the broker.
    pub fn state(&self) -> &BrokerState {
        &self.state
    }

    /// Waits for the records in flight, at most `time`.
    pub fn flush(&self, time: Duration) {
        let _ = self.client().flush(time);
    }
}
