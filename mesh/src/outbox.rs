//! The outbox: events are rows of the transaction that caused them, and a relay
//! publishes them afterwards. Each is published at least once, by any replica.
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

use crate::{
    crash,
    database::{Connection, Database},
    error::{Error, chain},
    kafka::{Producer, Record},
    prepared::prepared,
    telemetry,
};

const BATCH_SIZE_MAX: i64 = 500;
/// How often the relay looks by itself: for rows of replicas that died.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
const RETRY_DELAY_MIN: Duration = Duration::from_millis(100);
const RETRY_DELAY_MAX: Duration = Duration::from_secs(5);

/// An event, to be written in the transaction that causes it.
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
    /// The event `event` about the thing with id `key`. `id` is the event's own.
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

    /// The event as caused in the trace `traceparent`, not in that of the writer.
    #[must_use]
    pub fn with_traceparent(self, traceparent: Option<String>) -> Self {
        Self { traceparent, ..self }
    }
}

/// Writes events, in the caller's transaction.
///
/// # Errors
/// Those of the database.
pub async fn insert_events(connection: &mut Connection, events: &[NewEvent]) -> QueryResult<()> {
    use sql_types::{Array, Binary, Nullable, Text};
    if events.is_empty() {
        return Ok(());
    }
    let text = |of: fn(&NewEvent) -> &str| events.iter().map(of).collect::<Vec<_>>();
    let insert = diesel::sql_query(
        "INSERT INTO outbox (id, topic, key, message, payload, traceparent) \
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6)",
    )
    .bind::<Array<sql_types::Uuid>, _>(events.iter().map(|event| event.id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(text(|event| event.topic))
    .bind::<Array<Text>, _>(text(|event| &event.key))
    .bind::<Array<Text>, _>(text(|event| &event.message))
    .bind::<Array<Binary>, _>(events.iter().map(|event| &event.payload[..]).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(
        events.iter().map(|event| event.traceparent.as_deref()).collect::<Vec<_>>(),
    );
    prepared(insert).execute(connection).await.map(drop)
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

/// Rings when a transaction with events has committed. Cheap to clone.
#[derive(Clone, Default)]
pub struct Bell(Arc<Notify>);

impl Bell {
    /// Tells the relay of this replica that there is something to do.
    pub fn ring(&self) {
        self.0.notify_one();
    }
}

/// Publishes what is in the outbox until `shutdown`, waking when `bell` rings. Any
/// number of replicas may do so at once.
pub async fn relay(
    database: Database,
    producer: Producer,
    bell: Bell,
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
                tracing::warn!(error = %chain(&error), "events wait in the outbox");
                delay = (delay * 2).min(RETRY_DELAY_MAX);
                delay
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
            () = bell.0.notified(), if pause == POLL_INTERVAL => {}
        }
    }
    producer.flush(Duration::from_secs(5));
}

/// Publishes up to a batch and takes it out of the table, in one transaction: where
/// that does not commit, the events are published again.
async fn publish_batch(database: &Database, producer: &Producer) -> Result<usize, Error> {
    let count = database
        .transaction(async |connection| {
            let records = take_rows(connection).await?;
            producer.publish(&records).await.map_err(Error::internal)?;
            if !records.is_empty() {
                crash::point("published");
            }
            Ok::<_, Error>(records.len())
        })
        .await?;
    metrics::counter!("outbox_published_total").increment(count as u64);
    Ok(count)
}

/// Invariant: rows are locked, never polled by "greater than the last id": the order
/// of commits is not the order of ids.
async fn take_rows(connection: &mut Connection) -> QueryResult<Vec<Record>> {
    let take = diesel::sql_query(
        "DELETE FROM outbox WHERE id IN \
         (SELECT id FROM outbox ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED) \
         RETURNING topic, key, message, payload, traceparent",
    )
    .bind::<sql_types::BigInt, _>(BATCH_SIZE_MAX);
    let rows: Vec<Row> = prepared(take).get_results(connection).await?;
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

/// Age of the oldest event that waits, in seconds, as metric `outbox_oldest_seconds`,
/// and how many wait, as `outbox_waiting`.
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
    let figures: Figures = diesel::sql_query(
        "SELECT count(*) AS waiting, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 \
         AS oldest_seconds FROM (SELECT created_at FROM outbox LIMIT 10000) AS sample",
    )
    .get_result(&mut connection)
    .await?;
    metrics::gauge!("outbox_waiting").set(figures.waiting as f64);
    metrics::gauge!("outbox_oldest_seconds").set(figures.oldest_seconds);
    Ok(())
}
