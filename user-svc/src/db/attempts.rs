//! SQL of attempts that count towards a limit. Their table is `tries`.

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, sql_types::BigInt};
use diesel_async::RunQueryDsl;
use mesh_data::{database::Connection, sql::sql};

use crate::{
    limit::{Limit, Subject},
    schema::tries,
};

/// Returns the time of the `attempts_max`-th last attempt, if it is within the window: the subject has
/// no attempt left.
pub(crate) async fn find_last_allowed(
    connection: &mut Connection,
    limit: &Limit,
    subject: &Subject,
    now: DateTime<Utc>,
) -> QueryResult<Option<DateTime<Utc>>> {
    tries::table
        .filter(tries::kind.eq(limit.kind))
        .filter(tries::subject.eq(&subject.0[..]))
        .filter(tries::created_at.gt(now - limit.window))
        .order(tries::created_at.desc())
        .offset(limit.attempts_max - 1)
        .select(tries::created_at)
        .first(connection)
        .await
        .optional()
}

/// Locks a subject until the transaction ends.
pub(crate) async fn lock_subject(
    connection: &mut Connection,
    subject: &Subject,
) -> QueryResult<()> {
    sql("SELECT pg_advisory_xact_lock({key})")
        .bind::<BigInt, _>("key", subject.lock_key())
        .execute(connection)
        .await
        .map(drop)
}

pub(crate) async fn insert_attempt(
    connection: &mut Connection,
    limit: &Limit,
    subject: &Subject,
) -> QueryResult<()> {
    diesel::insert_into(tries::table)
        .values((
            tries::kind.eq(limit.kind),
            tries::subject.eq(&subject.0[..]),
            tries::created_at.eq(Utc::now()),
        ))
        .execute(connection)
        .await
        .map(drop)
}

/// Deletes all attempts of a subject, which resets its limit.
pub(crate) async fn delete_attempts(
    connection: &mut Connection,
    limit: &Limit,
    subject: &Subject,
) -> QueryResult<()> {
    diesel::delete(tries::table)
        .filter(tries::kind.eq(limit.kind))
        .filter(tries::subject.eq(&subject.0[..]))
        .execute(connection)
        .await
        .map(drop)
}

/// Deletes up to `limit` attempts from before `time`, and returns their number.
pub(crate) async fn delete_old_attempts(
    connection: &mut Connection,
    time: DateTime<Utc>,
    limit: i64,
) -> QueryResult<usize> {
    let old = tries::table
        .filter(tries::created_at.lt(time))
        .select(tries::id)
        .limit(limit)
        .for_update()
        .skip_locked();
    let ids: Vec<i64> = old.load(connection).await?;
    diesel::delete(tries::table.filter(tries::id.eq_any(ids))).execute(connection).await
}
