//! The outbox: a transaction inserts the events that it causes as rows, and the relay publishes them after
//! the commit. Each is published at least once, by any replica.
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
//!     created_at  timestamptz NOT NULL DEFAULT now()
//! );
//! ```

use std::{sync::Arc, time::Duration};

use diesel::{QueryResult, QueryableByName, sql_types};
use diesel_async::RunQueryDsl;
use prost::{Message, Name};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use mesh::{Error, error::chain, telemetry};

use crate::{
    database::{Connection, Database, convert_error},
    failpoint,
    kafka::{Producer, Record},
    sql::{Rows, sql},
};

const BATCH_SIZE_MAX: i64 = 500;
/// How often the relay polls without a wake-up: for rows of replicas that died.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
const RETRY_DELAY_MIN: Duration = Duration::from_millis(100);
const RETRY_DELAY_MAX: Duration = Duration::from_secs(5);

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
    let mut delay = RETRY_DELAY_MIN;
    while !shutdown.is_cancelled() {
        let pause = match publish_batch(&database, &producer).await {
            Ok(count) => {
                delay = RETRY_DELAY_MIN;
                if count == BATCH_SIZE_MAX as usize {
                    continue;
                }
                POLL_INTERVAL
            }
            Err(error) => {
                tracing::warn!(error = %chain(&error), "events remain in the outbox");
                delay = (delay * 2).min(RETRY_DELAY_MAX);
                delay
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
            () = wakeup.notified(), if pause == POLL_INTERVAL => {}
        }
    }
    producer.flush(Duration::from_secs(5));
}

/// Publishes a batch and deletes it, in one transaction: if it does not commit, the events are
/// published again.
async fn publish_batch(database: &Database, producer: &Producer) -> Result<usize, Error> {
    let count = database
        .transaction(async |connection| {
            let records = take_rows(connection).await.map_err(convert_error)?;
            producer.publish(&records).await.map_err(Error::internal)?;
            if !records.is_empty() {
                failpoint::hit("published");
            }
            Ok::<_, Error>(records.len())
        })
        .await?;
    metrics::counter!("outbox_published_total").increment(count as u64);
    Ok(count)
}

/// **Invariant:** rows are locked, never polled by "greater than the last id": commit order is not id
/// order.
async fn take_rows(connection: &mut Connection) -> QueryResult<Vec<Record>> {
    let take = sql("DELETE FROM outbox WHERE id IN \
         (SELECT id FROM outbox ORDER BY id LIMIT {limit} FOR UPDATE SKIP LOCKED) \
         RETURNING topic, key, message, payload, traceparent")
    .bind::<sql_types::BigInt, _>("limit", BATCH_SIZE_MAX);
    let rows: Vec<Row> = take.get_results(connection).await?;
    Ok(rows
        .into_iter()
        .map(|row| Record {
            topic: row.topic,
            key: row.key,
            message: row.message,
            payload: row.payload,
            traceparent: row.traceparent,
            headers: Vec::new(),
        })
        .collect())
}

/// Reports the age of the oldest unpublished event in seconds, as metric `outbox_oldest_seconds`, and
/// their number, as `outbox_waiting`.
///
/// # Errors
/// Those of the database.
pub async fn measure(database: &Database) -> Result<(), Error> {
    #[derive(QueryableByName)]
    struct Figures {
        #[diesel(sql_type = sql_types::BigInt)]
        waiting: i64,
        #[diesel(sql_type = sql_types::Double)]
        oldest_seconds: f64,
    }
    let mut connection = database.connection().await?;
    let figures: Figures = sql(
        "SELECT count(*) AS waiting, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 \
         AS oldest_seconds FROM (SELECT created_at FROM outbox LIMIT 10000) AS sample",
    )
    .get_result(&mut connection)
    .await
    .map_err(convert_error)?;
    metrics::gauge!("outbox_waiting").set(figures.waiting as f64);
    metrics::gauge!("outbox_oldest_seconds").set(figures.oldest_seconds);
    Ok(())
}
