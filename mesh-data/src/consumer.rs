//! The consumer loop: events in batches to a handler, at least once and in any order.
//! The offset is stored only after the handler's effect. What cannot be read, or is
//! refused for good, goes to the topic's dead-letter topic; what fails in passing is
//! tried again for as long as it takes.

use std::{collections::HashMap, time::Duration};

use futures::FutureExt;
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{CommitMode, Consumer as _, StreamConsumer},
    error::KafkaError,
    message::BorrowedMessage,
    statistics::Statistics,
};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use mesh::{BoxError, Error, error::chain};

use crate::{
    config::KafkaConfig,
    kafka::{BrokerState, Producer, Record, client_config},
};

const BATCH_SIZE_MAX: usize = 200;
const RETRY_DELAY_MIN: Duration = Duration::from_millis(100);
const RETRY_DELAY_MAX: Duration = Duration::from_secs(10);
/// How long a replay waits for a further record before it is done.
const REPLAY_IDLE_MAX: Duration = Duration::from_secs(5);
/// How long the broker may take to tell where its topics end.
const BROKER_ANSWER_MAX: Duration = Duration::from_secs(10);
/// Added to a topic's name: where its unreadable records go.
const DEAD_LETTER_SUFFIX: &str = "-dlq";
const DEAD_LETTER_REASON: &str = "dead-letter-reason";

/// What a service does with the events of its topics.
pub trait Handler: Send + Sync + 'static {
    /// An event, decoded.
    type Event: Send + Sync + Clone;

    /// Reads a record.
    ///
    /// # Errors
    /// Why it cannot be read: it goes to the dead-letter topic.
    fn decode(&self, record: &Record) -> Result<Self::Event, BoxError>;

    /// Makes the effect of all events, in one transaction. Each may have come before,
    /// and in any order.
    ///
    /// # Errors
    /// [`Error::retryable`] ones are tried again for as long as it takes; others are
    /// tried again event by event, and one that fails alone goes to the dead-letter
    /// topic.
    fn handle(&self, events: Vec<Self::Event>) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Consumes `topics` as `group` until `shutdown`.
///
/// # Errors
/// A fatal error of the client: the process is to end and start anew.
pub async fn consume(
    config: &KafkaConfig,
    group: &str,
    topics: &[&str],
    handler: impl Handler,
    producer: Producer,
    shutdown: CancellationToken,
) -> Result<(), BoxError> {
    for topic in topics {
        metrics::counter!("dead_letters_total", "topic" => (*topic).to_owned()).increment(0);
    }
    let consumer = subscribe(config, group, topics, producer.state().clone())?;
    let worker = Worker { handler, producer, shutdown: shutdown.clone() };
    loop {
        let first = tokio::select! {
            () = shutdown.cancelled() => break,
            received = consumer.recv() => received,
        };
        let Some(first) = passing(first)? else {
            sleep(RETRY_DELAY_MIN).await;
            continue;
        };
        let mut batch = vec![first];
        while batch.len() < BATCH_SIZE_MAX {
            match consumer.recv().now_or_never() {
                Some(Ok(message)) => batch.push(message),
                _ => break,
            }
        }
        if !worker.work(&batch).await {
            break;
        }
        store_offsets(&consumer, &batch);
    }
    // Bounded: the client's own close may wait for the broker.
    let closing = tokio::task::spawn_blocking(move || {
        let _ = consumer.commit_consumer_state(CommitMode::Sync);
        consumer.unsubscribe();
    });
    let _ = timeout(Duration::from_secs(3), closing).await;
    Ok(())
}

fn subscribe(
    config: &KafkaConfig,
    group: &str,
    topics: &[&str],
    state: BrokerState,
) -> Result<StreamConsumer<Context>, KafkaError> {
    let consumer: StreamConsumer<Context> =
        consumer_config(config, group).create_with_context(Context(state))?;
    consumer.subscribe(topics)?;
    Ok(consumer)
}

fn consumer_config(config: &KafkaConfig, group: &str) -> ClientConfig {
    let mut client = client_config(config);
    client
        .set("group.id", group)
        .set("enable.auto.commit", "true")
        .set("auto.commit.interval.ms", "1000")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .set("session.timeout.ms", "10000")
        .set("heartbeat.interval.ms", "3000")
        .set("fetch.wait.max.ms", "100")
        .set("statistics.interval.ms", "5000");
    client
}

/// Tells the shared state of the broker, and how far behind this consumer is.
struct Context(BrokerState);

impl rdkafka::ClientContext for Context {
    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        if statistics.brokers.values().any(|broker| broker.state == "UP") {
            self.0.set_down(false);
        }
        for (name, topic) in statistics.topics {
            // -1 where nothing is known, as of a partition that another consumer has.
            let lags = topic.partitions.values().map(|partition| partition.consumer_lag.max(0));
            metrics::gauge!("kafka_consumer_lag", "topic" => name).set(lags.sum::<i64>() as f64);
        }
    }
}

impl rdkafka::consumer::ConsumerContext for Context {}

/// The message, none after an error that passes by itself.
fn passing<'m>(
    received: Result<BorrowedMessage<'m>, KafkaError>,
) -> Result<Option<BorrowedMessage<'m>>, KafkaError> {
    match received {
        Ok(message) => Ok(Some(message)),
        Err(KafkaError::MessageConsumptionFatal(code)) => {
            Err(KafkaError::MessageConsumptionFatal(code))
        }
        Err(error) => {
            tracing::debug!(%error, "kafka");
            Ok(None)
        }
    }
}

/// A partition that was taken away meanwhile is no matter: its events come again
/// elsewhere, and every effect is idempotent.
fn store_offsets(consumer: &StreamConsumer<Context>, batch: &[BorrowedMessage<'_>]) {
    for message in batch {
        if let Err(error) = consumer.store_offset_from_message(message) {
            tracing::debug!(%error, "offset not stored");
        }
    }
}

struct Worker<H> {
    handler: H,
    producer: Producer,
    shutdown: CancellationToken,
}

impl<H: Handler> Worker<H> {
    /// Makes the effect of a batch; false where the process is to end before that.
    async fn work(&self, batch: &[BorrowedMessage<'_>]) -> bool {
        let mut readable = Vec::with_capacity(batch.len());
        for message in batch {
            let record = Record::read(message);
            match self.handler.decode(&record) {
                Ok(event) => readable.push((record, event)),
                Err(error) => {
                    if !self.dead_letter(record, &chain(error.as_ref())).await {
                        return false;
                    }
                }
            }
        }
        let events = readable.iter().map(|(_, event)| event.clone()).collect();
        match self.handle(events).await {
            None => false,
            Some(Ok(())) => true,
            Some(Err(_)) => self.work_singly(readable).await,
        }
    }

    async fn work_singly(&self, events: Vec<(Record, H::Event)>) -> bool {
        for (record, event) in events {
            let done = match self.handle(vec![event]).await {
                None => false,
                Some(Ok(())) => true,
                Some(Err(error)) => self.dead_letter(record, &chain(&error)).await,
            };
            if !done {
                return false;
            }
        }
        true
    }

    /// Tries until the outcome is not a passing one; none where the process ends.
    async fn handle(&self, events: Vec<H::Event>) -> Option<Result<(), Error>> {
        if events.is_empty() {
            return Some(Ok(()));
        }
        let mut delay = RETRY_DELAY_MIN;
        loop {
            match self.handler.handle(events.clone()).await {
                Err(error) if error.retryable() => {
                    tracing::warn!(error = %chain(&error), "events wait in the topic");
                    self.pause(&mut delay).await?;
                }
                outcome => return Some(outcome),
            }
        }
    }

    async fn dead_letter(&self, mut record: Record, reason: &str) -> bool {
        tracing::error!(topic = record.topic, key = record.key, reason, "dead letter");
        metrics::counter!("dead_letters_total", "topic" => record.topic.clone()).increment(1);
        record.topic.push_str(DEAD_LETTER_SUFFIX);
        record.headers.retain(|(key, _)| key != DEAD_LETTER_REASON);
        record.headers.push((DEAD_LETTER_REASON.into(), reason.into()));
        let record = [record];
        let mut delay = RETRY_DELAY_MIN;
        while let Err(error) = self.producer.publish(&record).await {
            tracing::warn!(%error, "a dead letter waits");
            if self.pause(&mut delay).await.is_none() {
                return false;
            }
        }
        true
    }

    /// Waits, longer each time; none where the process ends.
    async fn pause(&self, delay: &mut Duration) -> Option<()> {
        let waited = *delay;
        *delay = (*delay * 2).min(RETRY_DELAY_MAX);
        tokio::select! {
            () = self.shutdown.cancelled() => None,
            () = sleep(waited) => Some(()),
        }
    }
}

/// Publishes what is in the dead-letter topic of `topic` to `topic` again, each once,
/// and tells how many there were. What comes back meanwhile, since it still cannot be
/// read, is left for another time. All consumers of the topic get them, so it is the same whose
/// program does this, and none publishes what another has.
///
/// # Errors
/// A broker that is not there.
pub async fn replay_dead_letters(config: &KafkaConfig, topic: &str) -> Result<usize, BoxError> {
    let producer = Producer::new(config)?;
    let dead_letters = format!("{topic}{DEAD_LETTER_SUFFIX}");
    let group = format!("{dead_letters}-replay");
    let consumer = subscribe(config, &group, &[&dead_letters], producer.state().clone())?;
    let ends = ends(&consumer, &dead_letters)?;
    let mut count = 0;
    while let Ok(received) = timeout(REPLAY_IDLE_MAX, consumer.recv()).await {
        let message = received?;
        if ends.get(&message.partition()).is_none_or(|end| message.offset() >= *end) {
            continue;
        }
        let mut record = Record::read(&message);
        record.topic = topic.to_owned();
        producer.publish(&[record]).await?;
        let mut offsets = TopicPartitionList::new();
        let next = Offset::Offset(message.offset() + 1);
        offsets.add_partition_offset(message.topic(), message.partition(), next)?;
        consumer.commit(&offsets, CommitMode::Sync)?;
        count += 1;
    }
    Ok(count)
}

/// Where each partition of a topic ends at this moment. Waits for the broker.
fn ends(consumer: &StreamConsumer<Context>, topic: &str) -> Result<HashMap<i32, i64>, KafkaError> {
    let metadata = consumer.fetch_metadata(Some(topic), BROKER_ANSWER_MAX)?;
    let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
    partitions
        .map(|partition| {
            let (_, end) = consumer.fetch_watermarks(topic, partition.id(), BROKER_ANSWER_MAX)?;
            Ok((partition.id(), end))
        })
        .collect()
}
