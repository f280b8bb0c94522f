//! SQL of deliveries: claims with a lease, marks by the owner of the claim, and how
//! many there are in each state.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::{
    OptionalExtension, QueryResult, QueryableByName,
    sql_types::{
        Array, BigInt, Binary, Double, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid,
    },
};
use diesel_async::RunQueryDsl;
use mesh_data::{database::Connection, prepared::prepared};
use uuid::Uuid;

use crate::notification::{
    Claimed, DeliveryStatistics, Mark, NotificationId, NotificationKind, NotificationState, Outcome,
};

/// Counts that are added up to one at once, and how many there must be to be worth it.
const FOLD_ROWS_MAX: i64 = 10_000;
const FOLD_ROWS_MIN: i64 = 50;

/// Whether a claim would find anything.
pub async fn has_due(connection: &mut Connection) -> QueryResult<bool> {
    let found = diesel::sql_query(
        "SELECT 1 FROM deliveries WHERE state = 'PENDING' AND due_at <= now() \
         AND (leased_until IS NULL OR leased_until < now()) LIMIT 1",
    );
    Ok(prepared(found).execute(connection).await? > 0)
}

#[derive(QueryableByName)]
struct ClaimedRow {
    #[diesel(sql_type = SqlUuid)]
    id: NotificationId,
    #[diesel(sql_type = Text)]
    kind: NotificationKind,
    #[diesel(sql_type = Text)]
    recipient: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    order_id: Option<Uuid>,
    #[diesel(sql_type = Binary)]
    payload: Vec<u8>,
    #[diesel(sql_type = Nullable<Text>)]
    traceparent: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    pending_since: DateTime<Utc>,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Integer)]
    attempt_count: i32,
    #[diesel(sql_type = Integer)]
    cut_off_count: i32,
    #[diesel(sql_type = Integer)]
    resend_count: i32,
}

/// Claims up to `limit` mails that are due, those due longest first, for `lease`.
///
/// Rows that another claims at this moment are skipped, so that no worker waits.
pub async fn claim(
    connection: &mut Connection,
    claim_id: Uuid,
    lease: Duration,
    limit: i64,
) -> QueryResult<Vec<Claimed>> {
    let claim = diesel::sql_query(
        "WITH due AS MATERIALIZED (\
           SELECT notification_id FROM deliveries \
           WHERE state = 'PENDING' AND due_at <= now() \
           AND (leased_until IS NULL OR leased_until < now()) \
           ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED\
         ), claimed AS (\
           UPDATE deliveries SET claim_id = $2, leased_until = now() + $3 * interval '1 second' \
           FROM due WHERE deliveries.notification_id = due.notification_id \
           RETURNING deliveries.*\
         ) SELECT id, kind, recipient, order_id, payload, traceparent, \
           pending_since, version, attempt_count, cut_off_count, resend_count \
         FROM claimed JOIN notifications ON id = notification_id ORDER BY due_at",
    )
    .bind::<BigInt, _>(limit)
    .bind::<SqlUuid, _>(claim_id)
    .bind::<Double, _>(lease.as_secs_f64());
    let rows: Vec<ClaimedRow> = prepared(claim).get_results(connection).await?;
    let claimed = |row: ClaimedRow| Claimed {
        id: row.id,
        claim_id,
        kind: row.kind,
        recipient: row.recipient,
        order_id: row.order_id,
        payload: row.payload,
        traceparent: row.traceparent,
        pending_since: row.pending_since,
        version: row.version,
        attempt_count: row.attempt_count,
        cut_off_count: row.cut_off_count,
        resend_count: row.resend_count,
    };
    Ok(rows.into_iter().map(claimed).collect())
}

/// Writes answers and what becomes of the mails, and tells which of them were still
/// the claimer's; the others are left as they are.
pub async fn mark(connection: &mut Connection, marks: &[Mark]) -> QueryResult<Vec<NotificationId>> {
    #[derive(QueryableByName)]
    struct Marked {
        #[diesel(sql_type = SqlUuid)]
        id: NotificationId,
    }
    fn column<'a, T>(marks: &'a [Mark], value: impl Fn(&'a Mark) -> T) -> Vec<T> {
        marks.iter().map(value).collect()
    }
    let delay_seconds = |mark: &Mark| match mark.outcome {
        Outcome::Retry { delay } => delay.as_secs_f64(),
        Outcome::Sent | Outcome::Failed => 0.0,
    };
    let mark = diesel::sql_query(
        "WITH mark AS (\
           SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7) AS \
           mark (id, claim_id, state, delay_seconds, message_id, reply_code, reply_text)\
         ), marked AS (\
           UPDATE deliveries SET state = mark.state, claim_id = NULL, leased_until = NULL, \
             attempt_count = attempt_count + 1, cut_off_count = 0, \
             version = CASE mark.state WHEN 'PENDING' THEN version ELSE version + 1 END, \
             due_at = CASE mark.state WHEN 'PENDING' \
               THEN now() + delay_seconds * interval '1 second' ELSE due_at END, \
             sent_at = CASE mark.state WHEN 'SENT' THEN now() END \
           FROM mark WHERE notification_id = mark.id AND deliveries.claim_id = mark.claim_id \
           RETURNING mark.*, resend_count, attempt_count\
         ), attempt AS (\
           INSERT INTO delivery_attempts \
           (notification_id, resend_count, attempt, message_id, reply_code, reply_text) \
           SELECT id, resend_count, attempt_count, message_id, reply_code, reply_text FROM marked\
         ), counted AS (\
           INSERT INTO delivery_counts (pending, sent, failed) \
           SELECT -count(*), count(*) FILTER (WHERE state = 'SENT'), \
             count(*) FILTER (WHERE state = 'FAILED') \
           FROM marked WHERE state <> 'PENDING' HAVING count(*) > 0\
         ) SELECT id FROM marked",
    )
    .bind::<Array<SqlUuid>, _>(column(marks, |mark| mark.id))
    .bind::<Array<SqlUuid>, _>(column(marks, |mark| mark.claim_id))
    .bind::<Array<Text>, _>(column(marks, |mark| mark.outcome.state()))
    .bind::<Array<Double>, _>(column(marks, delay_seconds))
    .bind::<Array<Text>, _>(column(marks, |mark| &mark.message_id))
    .bind::<Array<Integer>, _>(column(marks, |mark| i32::from(mark.reply.code)))
    .bind::<Array<Text>, _>(column(marks, |mark| &mark.reply.text));
    let marked: Vec<Marked> = prepared(mark).get_results(connection).await?;
    Ok(marked.into_iter().map(|row| row.id).collect())
}

/// Makes the lease of a mail that is under way last for `lease` from now.
pub async fn renew(
    connection: &mut Connection,
    claim_id: Uuid,
    id: NotificationId,
    lease: Duration,
) -> QueryResult<()> {
    diesel::sql_query(
        "UPDATE deliveries SET leased_until = now() + $3 * interval '1 second' \
         WHERE notification_id = $1 AND claim_id = $2",
    )
    .bind::<SqlUuid, _>(id)
    .bind::<SqlUuid, _>(claim_id)
    .bind::<Double, _>(lease.as_secs_f64())
    .execute(connection)
    .await
    .map(drop)
}

/// Gives back mails that were not begun.
pub async fn release(
    connection: &mut Connection,
    claim_id: Uuid,
    ids: &[NotificationId],
) -> QueryResult<()> {
    diesel::sql_query(
        "UPDATE deliveries SET claim_id = NULL, leased_until = NULL \
         WHERE notification_id = ANY($1) AND claim_id = $2",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<SqlUuid, _>(claim_id)
    .execute(connection)
    .await
    .map(drop)
}

/// Gives back a mail that got no answer, for another try after `delay`. Counts for
/// nothing.
pub async fn postpone(
    connection: &mut Connection,
    claim_id: Uuid,
    id: NotificationId,
    delay: Duration,
) -> QueryResult<()> {
    diesel::sql_query(
        "UPDATE deliveries SET claim_id = NULL, leased_until = NULL, \
           cut_off_count = cut_off_count + 1, due_at = now() + $3 * interval '1 second' \
         WHERE notification_id = $1 AND claim_id = $2",
    )
    .bind::<SqlUuid, _>(id)
    .bind::<SqlUuid, _>(claim_id)
    .bind::<Double, _>(delay.as_secs_f64())
    .execute(connection)
    .await
    .map(drop)
}

/// Locks the delivery of a notification and tells its state; none where there is none.
pub async fn lock_state(
    connection: &mut Connection,
    id: NotificationId,
) -> QueryResult<Option<NotificationState>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        state: NotificationState,
    }
    let row: Option<Row> =
        diesel::sql_query("SELECT state FROM deliveries WHERE notification_id = $1 FOR UPDATE")
            .bind::<SqlUuid, _>(id)
            .get_result(connection)
            .await
            .optional()?;
    Ok(row.map(|row| row.state))
}

/// Asks for a mail again whose row the caller has locked in state `from`.
pub async fn ask_again(
    connection: &mut Connection,
    id: NotificationId,
    from: NotificationState,
) -> QueryResult<()> {
    diesel::sql_query(
        "WITH asked AS (\
           UPDATE deliveries SET state = 'PENDING', version = version + 1, \
             resend_count = resend_count + 1, attempt_count = 0, cut_off_count = 0, \
             pending_since = now(), due_at = now(), sent_at = NULL \
           WHERE notification_id = $1\
         ) INSERT INTO delivery_counts (pending, sent, failed) \
         SELECT 1, -($2 = 'SENT')::int, -($2 = 'FAILED')::int",
    )
    .bind::<SqlUuid, _>(id)
    .bind::<Text, _>(from)
    .execute(connection)
    .await
    .map(drop)
}

/// How many mails are in each state at this moment.
pub async fn statistics(connection: &mut Connection) -> QueryResult<DeliveryStatistics> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        pending: i64,
        #[diesel(sql_type = BigInt)]
        sent: i64,
        #[diesel(sql_type = BigInt)]
        failed: i64,
        #[diesel(sql_type = Nullable<Double>)]
        oldest_seconds: Option<f64>,
    }
    let row: Row = diesel::sql_query(
        "SELECT coalesce(sum(pending), 0)::bigint AS pending, \
           coalesce(sum(sent), 0)::bigint AS sent, coalesce(sum(failed), 0)::bigint AS failed, \
           (SELECT extract(epoch FROM now() - pending_since)::float8 FROM deliveries \
            WHERE state = 'PENDING' ORDER BY notification_id LIMIT 1) AS oldest_seconds \
         FROM delivery_counts",
    )
    .get_result(connection)
    .await?;
    Ok(DeliveryStatistics {
        pending: row.pending,
        sent: row.sent,
        failed: row.failed,
        oldest_pending_age: row.oldest_seconds.map(|s| Duration::from_secs_f64(s.max(0.0))),
    })
}

/// Replaces many rows of counts by their sum, in one statement: whoever asks sees the
/// ones or the other. Rows that another replica folds at this moment are left to it.
pub async fn roll_up_counts(connection: &mut Connection) -> QueryResult<()> {
    diesel::sql_query(
        "WITH taken AS (\
           DELETE FROM delivery_counts WHERE id IN \
             (SELECT id FROM delivery_counts ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED) \
           AND (SELECT count(*) FROM delivery_counts) >= $2 \
           RETURNING pending, sent, failed\
         ) INSERT INTO delivery_counts (pending, sent, failed) \
         SELECT sum(pending), sum(sent), sum(failed) FROM taken HAVING count(*) > 0",
    )
    .bind::<BigInt, _>(FOLD_ROWS_MAX)
    .bind::<BigInt, _>(FOLD_ROWS_MIN)
    .execute(connection)
    .await
    .map(drop)
}
