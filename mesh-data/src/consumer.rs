//! The consumer loop: passes the events of topics to a handler in batches, at least once and in any
//! order, and stores the offset after the effect. Unreadable records and permanent errors go to the
//! dead-letter queue of the topic; transient errors are retried until they disappear.

mod dead_letter;

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

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
    database::{Database, is_transient},
    kafka::{BrokerState, Producer, Record, client_config},
};
use dead_letter::DeadLetter;
pub use dead_letter::replay_dead_letters;

const BATCH_SIZE_MAX: usize = 200;
const RETRY_DELAY_MIN: Duration = Duration::from_millis(100);
const RETRY_DELAY_MAX: Duration = Duration::from_secs(10);
/// How often a consumer checks whether the schema is migrated.
const SCHEMA_CHECK_INTERVAL: Duration = Duration::from_millis(500);

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
    /// After a transient error the batch is retried until it succeeds: one that is
    /// [retryable](Error::retryable), or of the database and not about the data of the events, such
    /// as a missing column. After a permanent one, each event is processed singly, and those that
    /// fail go to the dead-letter queue.
    fn handle(&self, events: Vec<Self::Event>) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Consumes `topics` as `group` until `shutdown`, from when `database` has the schema of this
/// program: before, good events would fail.
///
/// # Errors
/// A fatal error of the client, after which the process must restart.
pub async fn consume(
    config: &KafkaConfig,
    group: &str,
    topics: &[&str],
    database: &Database,
    handler: impl Handler,
    producer: Producer,
    shutdown: CancellationToken,
) -> Result<(), BoxError> {
    for topic in topics {
        metrics::counter!("dead_letters_total", "topic" => (*topic).to_owned()).increment(0);
        metrics::gauge!("dead_letters_stalled", "topic" => (*topic).to_owned()).set(0);
    }
    if !await_schema(database, &shutdown).await {
        return Ok(());
    }
    let consumer = subscribe(config, group, topics, producer.state().clone())?;
    let waiting = VecDeque::new();
    let mut consumption =
        Consumption { consumer, waiting, is_paused: false, handler, producer, shutdown };
    let ended = consumption.run().await;
    let consumer = consumption.consumer;
    // Within a bounded time, since the client waits for the broker when it closes.
    let closing = tokio::task::spawn_blocking(move || {
        let _ = consumer.commit_consumer_state(CommitMode::Sync);
        consumer.unsubscribe();
    });
    let _ = timeout(Duration::from_secs(3), closing).await;
    match ended {
        Ended::Shutdown => Ok(()),
        Ended::Fatal(error) => Err(error.into()),
    }
}

/// Waits until the schema is migrated. Returns false if the process shuts down before.
async fn await_schema(database: &Database, shutdown: &CancellationToken) -> bool {
    while let Err(reason) = database.check().await {
        tracing::info!(reason, "the consumer waits for the schema");
        if timeout(SCHEMA_CHECK_INTERVAL, shutdown.cancelled()).await.is_ok() {
            return false;
        }
    }
    true
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
        // How long the other members wait for one that is stuck.
        .set("max.poll.interval.ms", "45000")
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

/// A record that is received and not processed yet.
struct Received {
    record: Record,
    partition: i32,
    offset: i64,
}

impl Received {
    /// Converts a message; `None` after a transient error of the client.
    fn read(received: Result<BorrowedMessage<'_>, KafkaError>) -> Result<Option<Self>, KafkaError> {
        match received {
            Ok(message) => Ok(Some(Self {
                record: Record::read(&message),
                partition: message.partition(),
                offset: message.offset(),
            })),
            Err(KafkaError::MessageConsumptionFatal(code)) => {
                Err(KafkaError::MessageConsumptionFatal(code))
            }
            Err(error) => {
                tracing::debug!(%error, "kafka");
                Ok(None)
            }
        }
    }
}

/// Why a consumption ends. The events of the current batch may not be processed, so their offsets
/// must not be stored.
enum Ended {
    Shutdown,
    Fatal(KafkaError),
}

impl From<KafkaError> for Ended {
    fn from(error: KafkaError) -> Self {
        Self::Fatal(error)
    }
}

/// A consumer that is subscribed, and what processes its records.
struct Consumption<H> {
    consumer: StreamConsumer<Context>,
    /// Received, and not part of a batch yet.
    waiting: VecDeque<Received>,
    is_paused: bool,
    handler: H,
    producer: Producer,
    shutdown: CancellationToken,
}

impl<H: Handler> Consumption<H> {
    async fn run(&mut self) -> Ended {
        loop {
            if let Err(ended) = self.process_next_batch().await {
                return ended;
            }
        }
    }

    async fn process_next_batch(&mut self) -> Result<(), Ended> {
        let batch = self.next_batch().await?;
        self.process_batch(&batch).await?;
        if std::mem::take(&mut self.is_paused) {
            let resumed = self.consumer.assignment().and_then(|all| self.consumer.resume(&all));
            resumed.unwrap_or_else(|error| tracing::warn!(%error, "partitions not resumed"));
        }
        self.store_offsets(&batch);
        Ok(())
    }

    async fn next_batch(&mut self) -> Result<Vec<Received>, Ended> {
        while self.waiting.is_empty() {
            let received = tokio::select! {
                () = self.shutdown.cancelled() => return Err(Ended::Shutdown),
                received = self.consumer.recv() => Received::read(received)?,
            };
            if received.is_none() {
                sleep(RETRY_DELAY_MIN).await;
            }
            self.waiting.extend(received);
        }
        while self.waiting.len() < BATCH_SIZE_MAX {
            let Some(received) = self.consumer.recv().now_or_never() else {
                break;
            };
            let Some(received) = Received::read(received)? else {
                break;
            };
            self.waiting.push_back(received);
        }
        let size = self.waiting.len().min(BATCH_SIZE_MAX);
        Ok(self.waiting.drain(..size).collect())
    }

    /// Stores the offsets, which the client commits later. If another consumer has taken over a
    /// partition, its events arrive there again, and their effect is idempotent.
    fn store_offsets(&self, batch: &[Received]) {
        let mut next_offsets = HashMap::new();
        for Received { record, partition, offset } in batch {
            next_offsets.insert((record.topic.clone(), *partition), Offset::Offset(offset + 1));
        }
        let offsets = TopicPartitionList::from_topic_map(&next_offsets);
        if let Err(error) = offsets.and_then(|offsets| self.consumer.store_offsets(&offsets)) {
            tracing::debug!(%error, "offsets not stored");
        }
    }

    async fn process_batch(&mut self, batch: &[Received]) -> Result<(), Ended> {
        let mut readable = Vec::with_capacity(batch.len());
        for received in batch {
            match self.handler.decode(&received.record) {
                Ok(event) => readable.push((received, event)),
                Err(error) => self.dead_letter(received, &chain(error.as_ref())).await?,
            }
        }
        let events = readable.iter().map(|(_, event)| event.clone()).collect();
        match self.handle(events).await? {
            Ok(()) => Ok(()),
            Err(_) => self.process_singly(readable).await,
        }
    }

    async fn process_singly(&mut self, events: Vec<(&Received, H::Event)>) -> Result<(), Ended> {
        for (received, event) in events {
            if let Err(error) = self.handle(vec![event]).await? {
                self.dead_letter(received, &chain(&error)).await?;
            }
        }
        Ok(())
    }

    /// Retries transient errors and returns the final result.
    async fn handle(&mut self, events: Vec<H::Event>) -> Result<Result<(), Error>, Ended> {
        if events.is_empty() {
            return Ok(Ok(()));
        }
        let mut delay = RETRY_DELAY_MIN;
        loop {
            match self.handler.handle(events.clone()).await {
                Err(error) if is_transient(&error) => {
                    tracing::warn!(error = %chain(&error), "events remain in the topic");
                    self.back_off(&mut delay).await?;
                }
                result => return Ok(result),
            }
        }
    }

    /// Publishes `received` to its dead-letter queue, for as long as that fails.
    async fn dead_letter(&mut self, received: &Received, reason: &str) -> Result<(), Ended> {
        let topic = &received.record.topic;
        tracing::error!(topic, key = received.record.key, reason, "dead letter");
        metrics::counter!("dead_letters_total", "topic" => topic.clone()).increment(1);
        let stalled = metrics::gauge!("dead_letters_stalled", "topic" => topic.clone());
        let dead_letter = DeadLetter { received, reason };
        let mut delay = RETRY_DELAY_MIN;
        while let Err(error) = dead_letter.publish(&self.producer).await {
            tracing::warn!(%error, "dead letter not published yet");
            stalled.set(1);
            self.back_off(&mut delay).await?;
        }
        stalled.set(0);
        Ok(())
    }

    /// Waits for `delay` and doubles it. Polls meanwhile, so that the client takes part in
    /// rebalances and the other members of the group do not wait for this one.
    async fn back_off(&mut self, delay: &mut Duration) -> Result<(), Ended> {
        let waited = sleep(*delay);
        *delay = (*delay * 2).min(RETRY_DELAY_MAX);
        tokio::pin!(waited);
        loop {
            self.pause();
            let received = tokio::select! {
                () = self.shutdown.cancelled() => return Err(Ended::Shutdown),
                () = &mut waited => return Ok(()),
                received = self.consumer.recv() => Received::read(received)?,
            };
            // A partition assigned since is not paused before its first record.
            if received.is_none() {
                sleep(RETRY_DELAY_MIN).await;
            }
            self.waiting.extend(received);
        }
    }

    /// Pauses all partitions, so that a poll receives no record.
    fn pause(&mut self) {
        self.is_paused = true;
        let paused = self.consumer.assignment().and_then(|all| self.consumer.pause(&all));
        paused.unwrap_or_else(|error| tracing::warn!(%error, "partitions not paused"));
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::error::RDKafkaErrorCode::{Fenced, UnknownTopicOrPartition};

    use super::*;

    #[test]
    fn only_a_fatal_error_of_the_client_ends_the_consumption() {
        let fatal = Received::read(Err(KafkaError::MessageConsumptionFatal(Fenced)));
        assert!(matches!(fatal, Err(KafkaError::MessageConsumptionFatal(Fenced))));
        let passing = Received::read(Err(KafkaError::MessageConsumption(UnknownTopicOrPartition)));
        assert!(matches!(passing, Ok(None)));
    }
}
