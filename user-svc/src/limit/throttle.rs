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
/// attempts than consecutive ones. A call that would be rejected anyway does not wait for the lock.
///
/// **Invariant:** a transaction locks a network before an account, so that two never deadlock.
pub(crate) async fn lock_and_check(
    connection: &mut Connection,
    limit: &Limit,
    subject: &Subject,
) -> Result<(), Error> {
    check(connection, limit, subject).await?;
    attempts::lock_subject(connection, subject).await?;
    check(connection, limit, subject).await
}

/// Rejects subjects of which one has no attempt left.
pub(crate) async fn check_all(
    connection: &mut Connection,
    limits: &[(Limit, Subject)],
) -> Result<(), Error> {
    for (limit, subject) in limits {
        check(connection, limit, subject).await?;
    }
    Ok(())
}

/// Counts an attempt of each subject in one transaction. Rejects it if one of them had none left.
pub(crate) async fn count(database: &Database, limits: &[(Limit, Subject)]) -> Result<(), Error> {
    database
        .transaction(async |connection| {
            for (limit, subject) in limits {
                lock_and_check(connection, limit, subject).await?;
                attempts::insert_attempt(connection, limit, subject).await?;
            }
            Ok(())
        })
        .await
}
