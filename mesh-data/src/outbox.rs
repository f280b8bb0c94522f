//! The outbox: a transaction inserts the events that it causes as rows, and the relay publishes them after
//! the commit. Each is published at least once, by any replica.
//!
//! A relay claims rows under a lease, publishes them without a transaction, and deletes those that the
//! broker acknowledged. An event that cannot be published waits alone for its next attempt, and those that
//! wait so take a limited part of the relay, so that a topic that is down does not hold up the others.
//!
//! The table is the same in every service that has one:
//!
//! ```sql
//! CREATE TABLE outbox (
//!     id          uuid        PRIMARY KEY,
//!     topic       text        NOT NULL,
//!     key         text        NOT NULL,
//!     message     text        NOT NULL,
//!     payload     bytea       NOT NULL,
//!     traceparent text,
//!     created_at  timestamptz NOT NULL DEFAULT now(),
//!     attempts    integer     NOT NULL DEFAULT 0,
//!     retry_at    timestamptz NOT NULL DEFAULT '-infinity'
//! ) WITH (fillfactor = 50);
//! ```

use std::{collections::HashSet, pin::Pin, sync::Arc, time::Duration};

use diesel::{QueryResult, QueryableByName, sql_types};
use diesel_async::RunQueryDsl;
use futures::{FutureExt, StreamExt, stream::FuturesUnordered};
use prost::{Message, Name};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout_at},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use mesh::{Error, error::chain, telemetry};
use rdkafka::error::KafkaError;

use crate::{
    database::{Connection, Database, convert_error},
    failpoint,
    kafka::{PUBLISH_TIMEOUT, Producer, Record},
    sql::{Rows, sql},
};

const BATCH_SIZE_MAX: usize = 500;
/// Most events that a relay has claimed: enough that some which the broker does not acknowledge do not
/// hold up the others.
const CLAIMED_MAX: usize = 5000;
/// Most events that a relay has claimed again after a failed attempt.
const RETRIED_MAX: usize = 500;
/// How often the relay claims such events.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// How long a claim lasts: longer than an attempt to publish, which may wait for the producer's queue and
/// then for the broker.
const LEASE: Duration = PUBLISH_TIMEOUT.saturating_mul(2).saturating_add(Duration::from_secs(5));
/// How often the relay polls without a wake-up: for rows of replicas that died.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
const RETRY_DELAY_MIN: Duration = Duration::from_millis(100);
const RETRY_DELAY_MAX: Duration = Duration::from_secs(5);
/// Longest delay before an event that could not be published is published again.
const ATTEMPT_DELAY_MAX: Duration = Duration::from_secs(10);
/// How long the relay waits at shutdown for events in flight.
const SHUTDOWN_WAIT_MAX: Duration = Duration::from_secs(5);

/// An event, to be inserted in the transaction that causes it.
#[derive(Debug, Clone)]
pub struct NewEvent {
    id: Uuid,
    topic: &'static str,
    key: String,
    message: String,
    payload: Vec<u8>,
    traceparent: Option<String>,
}

impl NewEvent {
    /// Creates an event with its own `id` about the subject with id `key`.
    pub fn new<M: Message + Name>(id: Uuid, topic: &'static str, key: String, event: &M) -> Self {
        Self {
            id,
            topic,
            key,
            message: M::full_name(),
            payload: event.encode_to_vec(),
            traceparent: telemetry::traceparent(),
        }
    }

    /// Replaces the trace context of the writer by `traceparent`.
    #[must_use]
    pub fn with_traceparent(self, traceparent: Option<String>) -> Self {
        Self { traceparent, ..self }
    }
}

/// Inserts events in the caller's transaction.
///
/// # Errors
/// Those of the database.
pub async fn insert_events(connection: &mut Connection, events: &[NewEvent]) -> QueryResult<()> {
    use sql_types::{Binary, Nullable, Text, Uuid as SqlUuid};
    if events.is_empty() {
        return Ok(());
    }
    let insert = Rows::of(events)
        .column::<SqlUuid, _>("id", |event| event.id)
        .column::<Text, _>("topic", |event| event.topic)
        .column::<Text, _>("key", |event| &*event.key)
        .column::<Text, _>("message", |event| &*event.message)
        .column::<Binary, _>("payload", |event| &*event.payload)
        .column::<Nullable<Text>, _>("traceparent", |event| event.traceparent.as_deref())
        .insert_into("outbox");
    insert.execute(connection).await.map(drop)
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Text)]
    topic: String,
    #[diesel(sql_type = sql_types::Text)]
    key: String,
    #[diesel(sql_type = sql_types::Text)]
    message: String,
    #[diesel(sql_type = sql_types::Binary)]
    payload: Vec<u8>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    traceparent: Option<String>,
}

impl Row {
    fn into_record(self) -> (Uuid, Record) {
        let Self { id, topic, key, message, payload, traceparent } = self;
        (id, Record { topic, key, message, payload, traceparent, headers: Vec::new() })
    }
}

/// Wakes a background task of this replica, such as the relay, when work is committed. Cheap to clone.
#[derive(Clone, Default)]
pub struct Wakeup(Arc<Notify>);

impl Wakeup {
    /// Notifies one task. If none waits, the next one that does continues at once.
    pub fn notify(&self) {
        self.0.notify_one();
    }

    /// Waits until this task is notified.
    pub async fn notified(&self) {
        self.0.notified().await;
    }
}

/// Publishes the rows of the outbox until `shutdown`. Any number of replicas may do so at once.
pub async fn relay(
    database: Database,
    producer: Producer,
    wakeup: Wakeup,
    shutdown: CancellationToken,
) {
    let mut relay = Relay {
        database,
        producer,
        in_flight: FuturesUnordered::new(),
        results: Vec::new(),
        retried: HashSet::new(),
        retry_at: Instant::now(),
    };
    let mut delay = RETRY_DELAY_MIN;
    while !shutdown.is_cancelled() {
        let pause = match relay.advance().await {
            Ok(has_more) => {
                delay = RETRY_DELAY_MIN;
                if has_more { Duration::ZERO } else { POLL_INTERVAL }
            }
            Err(error) => {
                tracing::warn!(error = %chain(&error), "events remain in the outbox");
                delay = (delay * 2).min(RETRY_DELAY_MAX);
                delay
            }
        };
        relay.wait(pause, &wakeup, &shutdown).await;
    }
    relay.finish().await;
}

/// The id of an event and whether the broker acknowledged it.
type Attempt = (Uuid, Result<(), KafkaError>);

struct Relay {
    database: Database,
    producer: Producer,
    /// What is claimed and not acknowledged yet.
    in_flight: FuturesUnordered<Pin<Box<dyn Future<Output = Attempt> + Send>>>,
    /// Results that are not recorded yet.
    results: Vec<Attempt>,
    /// Events in flight that were not published before.
    retried: HashSet<Uuid>,
    /// When such events are claimed again.
    retry_at: Instant,
}

impl Relay {
    /// Records the results there are and claims more events. Returns whether more may be due.
    async fn advance(&mut self) -> Result<bool, Error> {
        // First: until it is recorded, an event whose lease expires would be published again.
        self.record_results().await?;
        if self.in_flight.len() > CLAIMED_MAX - BATCH_SIZE_MAX {
            return Ok(false);
        }
        let mut connection = self.database.connection().await?;
        let new = claim_rows(&mut connection, false, BATCH_SIZE_MAX).await;
        let new = new.map_err(convert_error)?;
        let has_more = new.len() >= BATCH_SIZE_MAX;
        self.publish(new);
        let free = RETRIED_MAX.saturating_sub(self.retried.len());
        if free > 0 && self.retry_at <= Instant::now() {
            self.retry_at = Instant::now() + RETRY_INTERVAL;
            let failed = claim_rows(&mut connection, true, free).await.map_err(convert_error)?;
            self.retried.extend(failed.iter().map(|(id, _)| *id));
            self.publish(failed);
        }
        Ok(has_more)
    }

    /// Begins to publish claimed events.
    fn publish(&mut self, claimed: Vec<(Uuid, Record)>) {
        for (id, record) in claimed {
            let producer = self.producer.clone();
            let publish = async move { (id, producer.publish_one(&record).await) };
            self.in_flight.push(publish.boxed());
        }
    }

    /// Waits for results, at most `pause`; or for a wake-up.
    async fn wait(&mut self, pause: Duration, wakeup: &Wakeup, shutdown: &CancellationToken) {
        tokio::select! {
            biased;
            Some(result) = self.in_flight.next() => self.results.push(result),
            () = shutdown.cancelled() => {}
            () = wakeup.notified(), if pause == POLL_INTERVAL => {}
            () = sleep(pause) => {}
        }
        // Those that arrived with it are recorded in the same statement.
        while let Some(Some(result)) = self.in_flight.next().now_or_never() {
            self.results.push(result);
        }
    }

    async fn record_results(&mut self) -> Result<(), Error> {
        if self.results.is_empty() {
            return Ok(());
        }
        let (acknowledged, failed): (Vec<_>, Vec<_>) =
            self.results.iter().partition(|(_, result)| result.is_ok());
        let ids = |attempts: &[&Attempt]| attempts.iter().map(|(id, _)| *id).collect::<Vec<_>>();
        let (published, unpublished) = (ids(&acknowledged), ids(&failed));
        if !published.is_empty() {
            failpoint::hit("published");
        }
        let mut connection = self.database.connection().await?;
        delete_rows(&mut connection, &published).await.map_err(convert_error)?;
        metrics::counter!("outbox_published_total").increment(published.len() as u64);
        if let [(id, Err(error)), ..] = &failed[..] {
            tracing::warn!(%id, %error, count = failed.len(), "events not published yet");
            postpone_rows(&mut connection, &unpublished).await.map_err(convert_error)?;
        }
        for (id, _) in self.results.drain(..) {
            self.retried.remove(&id);
        }
        Ok(())
    }

    /// Waits for the events in flight, for a bounded time. The claims of the rest expire.
    async fn finish(&mut self) {
        let end = Instant::now() + SHUTDOWN_WAIT_MAX;
        while let Ok(Some(result)) = timeout_at(end, self.in_flight.next()).await {
            self.results.push(result);
        }
        if let Err(error) = self.record_results().await {
            tracing::warn!(error = %chain(&error), "published events remain in the outbox");
        }
    }
}

/// Claims up to `limit` events that are due, the oldest first: those that failed before, or those that
/// did not.
///
/// **Invariant:** rows are locked, never polled by "greater than the last id": commit order is not id
/// order.
async fn claim_rows(
    connection: &mut Connection,
    failed: bool,
    limit: usize,
) -> QueryResult<Vec<(Uuid, Record)>> {
    let claim = sql("WITH due AS MATERIALIZED \
         (SELECT id FROM outbox WHERE retry_at <= now() AND (attempts > 0) = {failed} \
          ORDER BY id LIMIT {limit} FOR UPDATE SKIP LOCKED) \
         UPDATE outbox SET retry_at = now() + make_interval(secs => {lease}) \
         FROM due WHERE outbox.id = due.id \
         RETURNING outbox.id, topic, key, message, payload, traceparent")
    .bind::<sql_types::Bool, _>("failed", failed)
    .bind::<sql_types::BigInt, _>("limit", limit as i64)
    .bind::<sql_types::Double, _>("lease", LEASE.as_secs_f64())
    .planned_each_time();
    let mut rows: Vec<Row> = claim.get_results(connection).await?;
    rows.sort_by_key(|row| row.id);
    Ok(rows.into_iter().map(Row::into_record).collect())
}

async fn delete_rows(connection: &mut Connection, ids: &[Uuid]) -> QueryResult<()> {
    let delete = sql("DELETE FROM outbox USING {gone} WHERE outbox.id = gone.event_id")
        .rows("gone", Rows::of(ids).column::<sql_types::Uuid, _>("event_id", |id| *id))
        .planned_each_time();
    delete.execute(connection).await.map(drop)
}

/// Records a failed attempt. The delay doubles with each.
async fn postpone_rows(connection: &mut Connection, ids: &[Uuid]) -> QueryResult<()> {
    let postpone = sql("UPDATE outbox SET attempts = attempts + 1, retry_at = now() + \
         make_interval(secs => least({delay_max}, 0.5 * power(2, least(attempts, 20)))) \
         FROM {failed} WHERE outbox.id = failed.event_id")
    .rows("failed", Rows::of(ids).column::<sql_types::Uuid, _>("event_id", |id| *id))
    .bind::<sql_types::Double, _>("delay_max", ATTEMPT_DELAY_MAX.as_secs_f64())
    .planned_each_time();
    postpone.execute(connection).await.map(drop)
}

/// Reports the age of the oldest unpublished event in seconds, as metric `outbox_oldest_seconds`,
/// their number, as `outbox_waiting`, and how many of them could not be published yet, as
/// `outbox_failing`.
///
/// # Errors
/// Those of the database.
pub async fn measure(database: &Database) -> Result<(), Error> {
    #[derive(QueryableByName)]
    struct Figures {
        #[diesel(sql_type = sql_types::BigInt)]
        waiting: i64,
        #[diesel(sql_type = sql_types::BigInt)]
        failing: i64,
        #[diesel(sql_type = sql_types::Double)]
        oldest_seconds: f64,
    }
    let mut connection = database.connection().await?;
    let figures: Figures =
        sql("SELECT count(*) AS waiting, count(*) FILTER (WHERE attempts > 0) AS failing, \
         coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS oldest_seconds \
         FROM (SELECT created_at, attempts FROM outbox LIMIT 10000) AS sample")
        .get_result(&mut connection)
        .await
        .map_err(convert_error)?;
    metrics::gauge!("outbox_waiting").set(figures.waiting as f64);
    metrics::gauge!("outbox_failing").set(figures.failing as f64);
    metrics::gauge!("outbox_oldest_seconds").set(figures.oldest_seconds);
    Ok(())
}
