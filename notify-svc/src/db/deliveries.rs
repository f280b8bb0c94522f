//! SQL of deliveries: claims, results, and the number of mails in each state.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    ExpressionMethods, IntoSql, NullableExpressionMethods, QueryDsl, QueryResult, QueryableByName,
    SelectableHelper,
    data_types::PgInterval,
    dsl::now,
    sql_types::{BigInt, Bool, Double, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use mesh_data::{
    database::Connection,
    sql::{Rows, sql},
};
use uuid::Uuid;

use crate::{
    delivery::{ClaimedMail, DeliveryAttempt, DeliveryResult, DeliveryStatistics, Outcome},
    notification::{Cursor, NotificationId, ResendFilter, Resent},
    schema::{deliveries, delivery_attempts},
};

/// Rows of counts that are rolled up at once, and the number that makes it worthwhile.
const ROLLUP_ROWS_MAX: i64 = 10_000;
const ROLLUP_ROWS_MIN: i64 = 50;
/// Most that the clocks of a replica and of the database differ.
const CLOCK_SKEW_MAX: TimeDelta = TimeDelta::hours(1);
/// Attempts that are read of one mail. A mail has more only after dozens of resends.
const ATTEMPTS_MAX: i64 = 1000;

/// The condition of a mail that can be claimed. The state is a literal, because only so
/// the planner uses the partial index.
macro_rules! is_due {
    () => {
        "state = 'PENDING' AND due_at <= now() \
         AND (leased_until IS NULL OR leased_until < now())"
    };
}

/// Returns whether a claim would find a mail.
pub(crate) async fn has_due(connection: &mut Connection) -> QueryResult<bool> {
    let find = sql(concat!("SELECT 1 FROM deliveries WHERE ", is_due!(), " LIMIT 1"));
    Ok(find.execute(connection).await? > 0)
}

/// Claims up to `limit` due mails for `lease`, those that are due longest first.
///
/// Skips rows that another worker claims at the same time, so that no worker waits.
///
/// # Errors
/// Those of the database.
pub async fn claim(
    connection: &mut Connection,
    claim_id: Uuid,
    lease: Duration,
    limit: i64,
) -> QueryResult<Vec<ClaimedMail>> {
    let claim = sql(concat!(
        "WITH due AS MATERIALIZED (\
           SELECT notification_id FROM deliveries WHERE ",
        is_due!(),
        " ORDER BY due_at LIMIT {limit} FOR UPDATE SKIP LOCKED\
         ), claimed AS (\
           UPDATE deliveries \
           SET claim_id = {claim_id}, leased_until = now() + {lease} * interval '1 second' \
           FROM due WHERE deliveries.notification_id = due.notification_id \
           RETURNING deliveries.*\
         ) SELECT notification_id, claim_id, kind, recipient, subject, order_id, payload, \
           over_limit, traceparent, pending_since, version, cut_off_count, resend_count, \
           attempt_count, unknown_count, first_attempt_at \
         FROM claimed JOIN notifications ON id = notification_id ORDER BY due_at",
    ))
    .bind::<BigInt, _>("limit", limit)
    .bind::<SqlUuid, _>("claim_id", claim_id)
    .bind::<Double, _>("lease", lease.as_secs_f64());
    claim.get_results(connection).await
}

/// Records results and returns the mails and claims of those whose claim was still owned. Leaves
/// the others unchanged.
///
/// # Errors
/// Those of the database.
pub async fn record_results(
    connection: &mut Connection,
    results: &[DeliveryResult],
) -> QueryResult<Vec<(NotificationId, Uuid)>> {
    #[derive(QueryableByName)]
    struct Recorded {
        #[diesel(sql_type = SqlUuid)]
        id: NotificationId,
        #[diesel(sql_type = SqlUuid)]
        claim_id: Uuid,
    }
    let delay_seconds = |result: &DeliveryResult| match result.outcome {
        Outcome::Retry { delay } => delay.as_secs_f64(),
        Outcome::Sent | Outcome::Failed => 0.0,
    };
    let rows = Rows::of(results)
        .column::<SqlUuid, _>("id", |result| result.id)
        .column::<SqlUuid, _>("claim_id", |result| result.claim_id)
        .column::<Text, _>("state", |result| result.outcome.state())
        .column::<Double, _>("delay_seconds", delay_seconds)
        .column::<Text, _>("message_id", |result| &*result.message_id)
        .column::<Integer, _>("reply_code", |result| i32::from(result.reply.code))
        .column::<Text, _>("reply_text", |result| &*result.reply.text)
        .column::<Bool, _>("is_outcome_unknown", |result| result.reply.is_outcome_unknown);
    let record = sql(include_str!("record_results.sql")).rows("result", rows);
    let recorded: Vec<Recorded> = record.get_results(connection).await?;
    Ok(recorded.into_iter().map(|row| (row.id, row.claim_id)).collect())
}

/// The columns of a claim.
#[derive(diesel::AsChangeset)]
#[diesel(table_name = deliveries, treat_none_as_null = true)]
struct Claim {
    claim_id: Option<Uuid>,
    leased_until: Option<DateTime<Utc>>,
}

const RELEASED: Claim = Claim { claim_id: None, leased_until: None };

/// Returns the database's time after `duration`.
macro_rules! now_plus {
    ($duration:expr) => {{
        let microseconds = i64::try_from($duration.as_micros()).unwrap_or(i64::MAX);
        now.into_sql::<Timestamptz>() + PgInterval::from_microseconds(microseconds)
    }};
}

/// Selects the delivery of a mail if the claim is still owned.
macro_rules! owned {
    ($id:expr, $claim_id:expr) => {
        deliveries::table
            .filter(deliveries::notification_id.eq($id))
            .filter(deliveries::claim_id.eq($claim_id))
    };
}

/// Renews the lease of a claimed mail: it expires after `lease`.
pub(crate) async fn renew(
    connection: &mut Connection,
    claim_id: Uuid,
    id: NotificationId,
    lease: Duration,
) -> QueryResult<()> {
    let renew = diesel::update(owned!(id, claim_id))
        .set(deliveries::leased_until.eq(now_plus!(lease).nullable()));
    renew.execute(connection).await.map(drop)
}

/// Releases the claims of mails that were not started.
pub(crate) async fn release(
    connection: &mut Connection,
    claim_id: Uuid,
    ids: &[NotificationId],
) -> QueryResult<()> {
    let claimed = deliveries::table
        .filter(deliveries::notification_id.eq_any(ids))
        .filter(deliveries::claim_id.eq(claim_id));
    let release = diesel::update(claimed).set(RELEASED);
    release.execute(connection).await.map(drop)
}

/// Releases the claim of a mail after a transport error, and makes it due after `delay`.
/// This is no attempt.
pub(crate) async fn postpone(
    connection: &mut Connection,
    claim_id: Uuid,
    id: NotificationId,
    delay: Duration,
) -> QueryResult<()> {
    let postpone = diesel::update(owned!(id, claim_id)).set((
        RELEASED,
        deliveries::cut_off_count.eq(deliveries::cut_off_count + 1),
        deliveries::due_at.eq(now_plus!(delay)),
    ));
    postpone.execute(connection).await.map(drop)
}

/// Makes up to `limit` mails after `after` pending again that have their content and that the filter
/// selects, oldest first. Returns them, and the next one unchanged.
pub(crate) async fn reset_for_resend(
    connection: &mut Connection,
    filter: &ResendFilter,
    after: Option<&Cursor>,
    limit: i64,
) -> QueryResult<Vec<Resent>> {
    let ResendFilter { states, id, start, end, order_id, recipient } = filter;
    // As literals, because only so the planner uses a partial index.
    let states: Vec<_> = states.iter().map(|state| format!("'{}'", state.as_str())).collect();
    let conditions = [
        id.map(|_| "notification_id = {id}"),
        after.map(|_| "notification_id > {after}"),
        // The id, so that no older row is read. Its time is that of another clock.
        start.map(|_| "notification_id >= {start_id} AND created_at >= {start}"),
        end.map(|_| "notification_id < {end_id} AND created_at < {end}"),
        order_id.map(|_| "order_id = {order_id}"),
        recipient.as_ref().map(|_| "lower(recipient) = lower({recipient})"),
    ];
    let conditions: String =
        conditions.into_iter().flatten().map(|condition| format!(" AND {condition}")).collect();
    let text = include_str!("reset_for_resend.sql")
        .replace("{states}", &states.join(", "))
        .replace("{conditions}", &conditions);
    let first_at = NotificationId::first_at;
    let reset = sql(text)
        .bind::<BigInt, _>("limit", limit)
        .bind::<Nullable<SqlUuid>, _>("id", *id)
        .bind::<Nullable<SqlUuid>, _>("after", after.map(|cursor| cursor.id))
        .bind::<Nullable<Timestamptz>, _>("start", *start)
        .bind::<Nullable<SqlUuid>, _>("start_id", start.map(|time| first_at(time - CLOCK_SKEW_MAX)))
        .bind::<Nullable<Timestamptz>, _>("end", *end)
        .bind::<Nullable<SqlUuid>, _>("end_id", end.map(|time| first_at(time + CLOCK_SKEW_MAX)))
        .bind::<Nullable<SqlUuid>, _>("order_id", *order_id)
        .bind::<Nullable<Text>, _>("recipient", recipient.as_deref());
    reset.get_results(connection).await
}

/// Returns the delivery attempts of a mail, oldest first.
pub(crate) async fn find_attempts(
    connection: &mut Connection,
    id: NotificationId,
) -> QueryResult<Vec<DeliveryAttempt>> {
    let newest_first = delivery_attempts::table
        .filter(delivery_attempts::notification_id.eq(id))
        .order((delivery_attempts::resend_count.desc(), delivery_attempts::attempt.desc()))
        .limit(ATTEMPTS_MAX)
        .select(DeliveryAttempt::as_select());
    let mut attempts: Vec<DeliveryAttempt> = newest_first.load(connection).await?;
    attempts.reverse();
    Ok(attempts)
}

/// Returns the number of mails in each state.
pub(crate) async fn statistics(connection: &mut Connection) -> QueryResult<DeliveryStatistics> {
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
        #[diesel(sql_type = Nullable<Double>)]
        unattempted_seconds: Option<f64>,
    }
    let sums = sql("SELECT coalesce(sum(pending), 0)::bigint AS pending, \
           coalesce(sum(sent), 0)::bigint AS sent, coalesce(sum(failed), 0)::bigint AS failed, \
           (SELECT extract(epoch FROM now() - pending_since)::float8 FROM deliveries \
            WHERE state = 'PENDING' ORDER BY notification_id LIMIT 1) AS oldest_seconds, \
           (SELECT extract(epoch FROM now() - pending_since)::float8 FROM deliveries \
            WHERE state = 'PENDING' AND attempt_count = 0 \
            ORDER BY notification_id LIMIT 1) AS unattempted_seconds \
         FROM delivery_counts");
    let row: Row = sums.get_result(connection).await?;
    let age = |seconds: f64| Duration::from_secs_f64(seconds.max(0.0));
    Ok(DeliveryStatistics {
        pending: row.pending,
        sent: row.sent,
        failed: row.failed,
        oldest_pending_age: row.oldest_seconds.map(age),
        oldest_unattempted_age: row.unattempted_seconds.map(age),
    })
}

/// Rolls up the counts: replaces many rows by their sum, in one statement, so that a reader
/// sees either. Skips rows that another replica rolls up at the same time.
///
/// # Errors
/// Those of the database.
pub async fn roll_up_counts(connection: &mut Connection) -> QueryResult<()> {
    // MATERIALIZED: a plan that was made for an empty table must not select the rows again for each row.
    let roll_up = sql("WITH oldest AS MATERIALIZED (\
           SELECT id FROM delivery_counts \
           WHERE (SELECT count(*) FROM delivery_counts) >= {min} \
           ORDER BY id LIMIT {max} FOR UPDATE SKIP LOCKED\
         ), taken AS (\
           DELETE FROM delivery_counts USING oldest WHERE delivery_counts.id = oldest.id \
           RETURNING pending, sent, failed\
         ) INSERT INTO delivery_counts (pending, sent, failed) \
         SELECT sum(pending), sum(sent), sum(failed) FROM taken HAVING count(*) > 0")
    .bind::<BigInt, _>("max", ROLLUP_ROWS_MAX)
    .bind::<BigInt, _>("min", ROLLUP_ROWS_MIN);
    roll_up.execute(connection).await.map(drop)
}
