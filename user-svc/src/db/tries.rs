//! SQL of what counts against a limit.

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, sql_types::BigInt};
use diesel_async::RunQueryDsl;
use mesh_data::{
    database::{Connection, Database},
    prepared::prepared,
};

use crate::{
    error::Error,
    limit::{Limit, Subject},
    schema::tries,
};

/// Refuses whoever has no try left.
///
/// # Errors
/// `RATE_LIMITED`, with the time until the next try.
pub async fn check(
    connection: &mut Connection,
    limit: &Limit,
    subject: &Subject,
) -> Result<(), Error> {
    let now = Utc::now();
    let last_allowed: Option<DateTime<Utc>> = tries::table
        .filter(tries::kind.eq(limit.kind))
        .filter(tries::subject.eq(&subject.0[..]))
        .filter(tries::created_at.gt(now - limit.window))
        .order(tries::created_at.desc())
        .offset(limit.tries_max - 1)
        .select(tries::created_at)
        .first(connection)
        .await
        .optional()?;
    match last_allowed {
        Some(tried_at) => Err(limit.exceeded(tried_at, now).into()),
        None => Ok(()),
    }
}

/// As [`check`], and lets nobody else check or count for `subject` until the transaction
/// ends: calls at once cannot try more often than calls in turn.
///
/// # Errors
/// `RATE_LIMITED`, with the time until the next try.
pub async fn lock_and_check(
    connection: &mut Connection,
    limit: &Limit,
    subject: &Subject,
) -> Result<(), Error> {
    let lock = diesel::sql_query("SELECT pg_advisory_xact_lock($1)");
    prepared(lock.bind::<BigInt, _>(subject.lock_number())).execute(connection).await?;
    check(connection, limit, subject).await
}

/// Counts a try, in a transaction of its own.
///
/// # Errors
/// `RATE_LIMITED`, where there was none left.
pub async fn count(database: &Database, limit: &Limit, subject: &Subject) -> Result<(), Error> {
    database
        .transaction(async |connection| {
            lock_and_check(connection, limit, subject).await?;
            Ok(insert_try(connection, limit, subject).await?)
        })
        .await
}

/// Adds a try.
pub async fn insert_try(
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

/// Forgives all tries of `subject`.
pub async fn delete_tries(
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

/// Deletes up to `limit` tries made before `time`, and returns how many.
pub async fn delete_old_tries(
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
