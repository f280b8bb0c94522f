//! Dead letters: the records that a consumer could not process, and their replay.

use std::{collections::HashMap, time::Duration};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{CommitMode, Consumer as _, StreamConsumer},
    error::{KafkaError, RDKafkaErrorCode},
};
use tokio::time::{Instant, timeout, timeout_at};

use mesh::BoxError;

use super::{Context, Received, consumer_config, subscribe};
use crate::{
    config::KafkaConfig,
    kafka::{Producer, Record},
};

/// Suffix of the dead-letter queue of a topic.
const SUFFIX: &str = "-dlq";
/// Headers of a dead letter begin with this.
const HEADER_PREFIX: &str = "dead-letter-";
/// Why the record is here.
const REASON: &str = "dead-letter-reason";
/// Where the record was, as `topic/partition/offset`.
const SOURCE: &str = "dead-letter-source";
/// Size of a payload that the queue does not accept. The dead letter has none then, and a replay
/// reads it from the source.
const OMITTED_BYTES: &str = "dead-letter-omitted-bytes";
const REASON_CHARACTERS_MAX: usize = 1000;
/// Longest wait for the metadata, the offsets and the high watermarks of a topic, and for a record.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for the assignment of a replay, while a member that died is still in its group, and
/// for its next record.
const ASSIGNMENT_TIMEOUT: Duration = Duration::from_secs(60);
/// How often a replay checks whether it is complete while no record arrives.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// A record on its way to the dead-letter queue.
pub(super) struct DeadLetter<'a> {
    pub(super) received: &'a Received,
    pub(super) reason: &'a str,
}

impl DeadLetter<'_> {
    /// Publishes the record, without its payload if it is too large for the queue.
    pub(super) async fn publish(&self, producer: &Producer) -> Result<(), KafkaError> {
        let mut record = self.record();
        let published = producer.publish(std::slice::from_ref(&record)).await;
        let code = published.as_ref().err().and_then(KafkaError::rdkafka_error_code);
        if code != Some(RDKafkaErrorCode::MessageSizeTooLarge) {
            return published;
        }
        let size = record.payload.len().to_string();
        record.payload = Vec::new();
        // The headers of the record may be what is too large.
        record.headers.retain(|(key, _)| key.starts_with(HEADER_PREFIX));
        record.headers.push((OMITTED_BYTES.into(), size));
        producer.publish(&[record]).await
    }

    fn record(&self) -> Record {
        let Received { record, partition, offset } = self.received;
        let mut dead_letter = without_own_headers(record.clone());
        let reason = self.reason.chars().take(REASON_CHARACTERS_MAX).collect();
        let source = format!("{}/{partition}/{offset}", record.topic);
        dead_letter.headers.extend([(REASON.into(), reason), (SOURCE.into(), source)]);
        dead_letter.topic.push_str(SUFFIX);
        dead_letter
    }
}

fn without_own_headers(mut record: Record) -> Record {
    record.headers.retain(|(key, _)| !key.starts_with(HEADER_PREFIX));
    record
}

/// Publishes the dead letters of `topic` to it again, each once, and returns their number. A record
/// that becomes a dead letter again meanwhile is left for the next replay: this one stops at the
/// high watermarks of its beginning.
///
/// All consumers of the topic receive the records, so it does not matter which service replays.
/// Concurrent replays share the work, since they are one consumer group.
///
/// # Errors
/// An unavailable broker, or dead letters that did not arrive.
pub async fn replay_dead_letters(config: &KafkaConfig, topic: &str) -> Result<usize, BoxError> {
    let producer = Producer::new(config)?;
    let dead_letters = format!("{topic}{SUFFIX}");
    let group = replay_group(&dead_letters);
    let consumer = subscribe(config, &group, &[&dead_letters], producer.state().clone())?;
    let ends = high_watermarks(&consumer, &dead_letters)?;
    let mut count = 0;
    let mut deadline = Instant::now() + ASSIGNMENT_TIMEOUT;
    while !is_complete(&consumer, &ends)? {
        let poll = (Instant::now() + POLL_INTERVAL).min(deadline);
        let Ok(received) = timeout_at(poll, consumer.recv()).await else {
            if Instant::now() < deadline {
                continue;
            }
            return Err(format!("after {count} dead letters, no more arrived").into());
        };
        let Some(received) = Received::read(received)? else {
            continue;
        };
        let Received { partition, offset, .. } = received;
        if ends.get(&partition).is_some_and(|end| offset < *end) {
            if let Some(record) = original(config, &producer, received.record).await? {
                producer.publish(&[Record { topic: topic.to_owned(), ..record }]).await?;
                count += 1;
            }
            let mut offsets = TopicPartitionList::new();
            offsets.add_partition_offset(&dead_letters, partition, Offset::Offset(offset + 1))?;
            consumer.commit(&offsets, CommitMode::Sync)?;
        }
        deadline = Instant::now() + ASSIGNMENT_TIMEOUT;
    }
    Ok(count)
}

/// Returns the consumer group of the replays of a dead-letter queue.
fn replay_group(dead_letters: &str) -> String {
    format!("{dead_letters}-replay")
}

/// Returns whether partitions are assigned and all of them are replayed to their ends.
fn is_complete(
    consumer: &StreamConsumer<Context>,
    ends: &HashMap<i32, i64>,
) -> Result<bool, KafkaError> {
    let assigned = consumer.assignment()?;
    if assigned.count() == 0 {
        return Ok(false);
    }
    let committed = consumer.committed_offsets(assigned, TIMEOUT)?;
    for partition in committed.elements() {
        let end = ends.get(&partition.partition()).copied().unwrap_or(0);
        let next = match partition.offset() {
            Offset::Offset(next) => next,
            _ => 0,
        };
        if next < end {
            // Retention may have deleted what is left.
            let (topic, number) = (partition.topic(), partition.partition());
            let (first, _) = consumer.fetch_watermarks(topic, number, TIMEOUT)?;
            if first < end {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Returns the record that became `dead_letter`, from its source if the queue did not accept its
/// payload; `None` if the source has deleted it since.
async fn original(
    config: &KafkaConfig,
    producer: &Producer,
    dead_letter: Record,
) -> Result<Option<Record>, BoxError> {
    let header = |name| dead_letter.headers.iter().find(|(key, _)| key == name);
    if header(OMITTED_BYTES).is_none() {
        return Ok(Some(without_own_headers(dead_letter)));
    }
    let (_, source) = header(SOURCE).ok_or("a dead letter without payload and source")?;
    let mut parts = source.rsplitn(3, '/');
    let (Some(Ok(offset)), Some(Ok(partition)), Some(topic)) =
        (parts.next().map(str::parse), parts.next().map(str::parse), parts.next())
    else {
        return Err(format!("{SOURCE}: {source:?}").into());
    };
    // It names the group, since the broker accepts no other, but is no member of it.
    let mut reader = consumer_config(config, &replay_group(&dead_letter.topic));
    let reader: StreamConsumer<Context> = reader
        .set("enable.auto.commit", "false")
        .create_with_context(Context(producer.state().clone()))?;
    let (first, _) = reader.fetch_watermarks(topic, partition, TIMEOUT)?;
    if offset < first {
        tracing::error!(source, "a dead letter cannot be replayed: its topic has deleted it");
        return Ok(None);
    }
    let mut position = TopicPartitionList::new();
    position.add_partition_offset(topic, partition, Offset::Offset(offset))?;
    reader.assign(&position)?;
    let received = timeout(TIMEOUT, reader.recv()).await;
    let received = Received::read(received.map_err(|_| format!("{source} is not readable"))?)?;
    let record = received.filter(|received| received.offset == offset).map(|it| it.record);
    record.map(Some).ok_or_else(|| format!("{source} is not readable").into())
}

/// Returns the current high watermark of each partition of `topic`. Blocks until the broker
/// responds.
fn high_watermarks(
    consumer: &StreamConsumer<Context>,
    topic: &str,
) -> Result<HashMap<i32, i64>, KafkaError> {
    let metadata = consumer.fetch_metadata(Some(topic), TIMEOUT)?;
    let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
    partitions
        .map(|partition| {
            let (_, high) = consumer.fetch_watermarks(topic, partition.id(), TIMEOUT)?;
            Ok((partition.id(), high))
        })
        .collect()
}
