//! Rejects subjects that have no attempt left, and counts failed attempts.

use chrono::Utc;
use mesh_data::database::{Connection, Database};

use crate::{
    db::attempts,
    error::Error,
    limit::{Limit, Subject},
};

/// Rejects a subject that has no attempt left.
pub(crate) async fn check(
    connection: &mut Connection,
    limit: &Limit,
    subject: &Subject,
) -> Result<(), Error> {
    let now = Utc::now();
    match attempts::find_last_allowed(connection, limit, subject, now).await? {
        Some(attempted_at) => Err(limit.exceeded(attempted_at, now).into()),
        None => Ok(()),
    }
}

/// Like [`check`], but also locks `subject` until the transaction ends: concurrent calls have no more
/// attempts than consecutive ones.
pub(crate) async fn lock_and_check(
    connection: &mut Connection,
    limit: &Limit,
    subject: &Subject,
) -> Result<(), Error> {
    attempts::lock_subject(connection, subject).await?;
    check(connection, limit, subject).await
}

/// Counts an attempt in its own transaction. Rejects it if there was none left.
pub(crate) async fn count(
    database: &Database,
    limit: &Limit,
    subject: &Subject,
) -> Result<(), Error> {
    database
        .transaction(async |connection| {
            lock_and_check(connection, limit, subject).await?;
            Ok(attempts::insert_attempt(connection, limit, subject).await?)
        })
        .await
}
