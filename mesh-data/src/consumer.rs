//! The consumer loop: passes the events of topics to a handler in batches, at least once and in any
//! order, and stores the offset after the effect. Unreadable records and permanent errors go to the
//! dead-letter queue of the topic; transient errors are retried until they disappear.

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
/// A replay ends after this long without a record.
const REPLAY_IDLE_MAX: Duration = Duration::from_secs(5);
/// Longest wait for the metadata and the high watermarks of a topic.
const METADATA_TIMEOUT: Duration = Duration::from_secs(10);
/// Suffix of the dead-letter queue of a topic.
const DEAD_LETTER_SUFFIX: &str = "-dlq";
const DEAD_LETTER_REASON: &str = "dead-letter-reason";

/// The idempotent effect that a service makes of the events of its topics.
pub trait Handler: Send + Sync + 'static {
    /// A decoded event.
    type Event: Send + Sync + Clone;

    /// Decodes a record.
    ///
    /// # Errors
    /// The reason why the record is unreadable. It goes to the dead-letter queue.
    fn decode(&self, record: &Record) -> Result<Self::Event, BoxError>;

    /// Applies the events in one transaction. An event may arrive several times, and in any order.
    ///
    /// # Errors
    /// After a transient error ([`Error::retryable`]) the batch is retried until it succeeds. After
    /// a permanent one, each event is processed singly, and those that fail go to the dead-letter
    /// queue.
    fn handle(&self, events: Vec<Self::Event>) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Consumes `topics` as `group` until `shutdown`.
///
/// # Errors
/// A fatal error of the client, after which the process must restart.
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
    let processor = Processor { handler, producer, shutdown: shutdown.clone() };
    loop {
        let first = tokio::select! {
            () = shutdown.cancelled() => break,
            received = consumer.recv() => received,
        };
        let Some(first) = skip_transient(first)? else {
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
        if processor.process_batch(&batch).await.is_err() {
            break;
        }
        store_offsets(&consumer, &batch);
    }
    // Within a bounded time, since the client waits for the broker when it closes.
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

/// Reports the state of the broker and the lag of this consumer.
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
            // -1: unknown, since another consumer has the partition.
            let lags = topic.partitions.values().map(|partition| partition.consumer_lag.max(0));
            metrics::gauge!("kafka_consumer_lag", "topic" => name).set(lags.sum::<i64>() as f64);
        }
    }
}

impl rdkafka::consumer::ConsumerContext for Context {}

/// Returns the message; `None` after a transient error of the client.
fn skip_transient<'m>(
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

/// Stores the offsets, which the client commits later. If another consumer has taken over the
/// partition, its events arrive there again, and their effect is idempotent.
fn store_offsets(consumer: &StreamConsumer<Context>, batch: &[BorrowedMessage<'_>]) {
    for message in batch {
        if let Err(error) = consumer.store_offset_from_message(message) {
            tracing::debug!(%error, "offset not stored");
        }
    }
}

struct Processor<H> {
    handler: H,
    producer: Producer,
    shutdown: CancellationToken,
}

/// The process shuts down before the events are processed. Their offsets must not be stored.
struct Interrupted;

impl<H: Handler> Processor<H> {
    async fn process_batch(&self, batch: &[BorrowedMessage<'_>]) -> Result<(), Interrupted> {
        let mut readable = Vec::with_capacity(batch.len());
        for message in batch {
            let record = Record::read(message);
            match self.handler.decode(&record) {
                Ok(event) => readable.push((record, event)),
                Err(error) => self.dead_letter(record, &chain(error.as_ref())).await?,
            }
        }
        let events = readable.iter().map(|(_, event)| event.clone()).collect();
        match self.handle(events).await? {
            Ok(()) => Ok(()),
            Err(_) => self.process_singly(readable).await,
        }
    }

    async fn process_singly(&self, events: Vec<(Record, H::Event)>) -> Result<(), Interrupted> {
        for (record, event) in events {
            if let Err(error) = self.handle(vec![event]).await? {
                self.dead_letter(record, &chain(&error)).await?;
            }
        }
        Ok(())
    }

    /// Retries transient errors and returns the final result.
    async fn handle(&self, events: Vec<H::Event>) -> Result<Result<(), Error>, Interrupted> {
        if events.is_empty() {
            return Ok(Ok(()));
        }
        let mut delay = RETRY_DELAY_MIN;
        loop {
            match self.handler.handle(events.clone()).await {
                Err(error) if error.retryable() => {
                    tracing::warn!(error = %chain(&error), "events remain in the topic");
                    self.back_off(&mut delay).await?;
                }
                result => return Ok(result),
            }
        }
    }

    /// Publishes `record` to its dead-letter queue, for as long as the broker is unavailable.
    async fn dead_letter(&self, mut record: Record, reason: &str) -> Result<(), Interrupted> {
        tracing::error!(topic = record.topic, key = record.key, reason, "dead letter");
        metrics::counter!("dead_letters_total", "topic" => record.topic.clone()).increment(1);
        record.topic.push_str(DEAD_LETTER_SUFFIX);
        record.headers.retain(|(key, _)| key != DEAD_LETTER_REASON);
        record.headers.push((DEAD_LETTER_REASON.into(), reason.into()));
        let record = [record];
        let mut delay = RETRY_DELAY_MIN;
        while let Err(error) = self.producer.publish(&record).await {
            tracing::warn!(%error, "dead letter not published yet");
            self.back_off(&mut delay).await?;
        }
        Ok(())
    }

    /// Waits for `delay` and doubles it.
    async fn back_off(&self, delay: &mut Duration) -> Result<(), Interrupted> {
        let current = *delay;
        *delay = (*delay * 2).min(RETRY_DELAY_MAX);
        tokio::select! {
            () = self.shutdown.cancelled() => Err(Interrupted),
            () = sleep(current) => Ok(()),
        }
    }
}

/// Publishes the dead letters of `topic` to it again, each once, and returns their number. A record
/// that becomes a dead letter again meanwhile is left for the next replay: this one stops at the
/// high watermarks of its beginning.
///
/// All consumers of the topic receive the records, so it does not matter which service replays.
/// Concurrent replays share the work, since they are one consumer group.
///
/// # Errors
/// An unavailable broker.
pub async fn replay_dead_letters(config: &KafkaConfig, topic: &str) -> Result<usize, BoxError> {
    let producer = Producer::new(config)?;
    let dead_letters = format!("{topic}{DEAD_LETTER_SUFFIX}");
    let group = format!("{dead_letters}-replay");
    let consumer = subscribe(config, &group, &[&dead_letters], producer.state().clone())?;
    let high_watermarks = high_watermarks(&consumer, &dead_letters)?;
    let mut count = 0;
    while let Ok(received) = timeout(REPLAY_IDLE_MAX, consumer.recv()).await {
        let message = received?;
        let end = high_watermarks.get(&message.partition());
        if end.is_none_or(|end| message.offset() >= *end) {
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

/// Returns the current high watermark of each partition of `topic`. Blocks until the broker
/// responds.
fn high_watermarks(
    consumer: &StreamConsumer<Context>,
    topic: &str,
) -> Result<HashMap<i32, i64>, KafkaError> {
    let metadata = consumer.fetch_metadata(Some(topic), METADATA_TIMEOUT)?;
    let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
    partitions
        .map(|partition| {
            let (_, high) = consumer.fetch_watermarks(topic, partition.id(), METADATA_TIMEOUT)?;
            Ok((partition.id(), high))
        })
        .collect()
}
