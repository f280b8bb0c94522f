//! What is done every few seconds beside all else: rows that no longer count are
//! deleted, and what waits is told as metrics.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use mesh::error::chain;
use mesh_data::{database::Database, outbox};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    db::{links, sessions, tries},
    error::Error,
    limit::WINDOW_MAX,
};

const INTERVAL: Duration = Duration::from_secs(10);
/// Rows of one kind deleted in one transaction.
const BATCH_SIZE_MAX: i64 = 1000;
/// Rows stay this much longer, for the clocks of replicas may differ.
const MARGIN: TimeDelta = TimeDelta::minutes(5);

/// Does so until `shutdown`. Any number of replicas may.
pub async fn keep(database: Database, shutdown: CancellationToken) {
    while timeout(INTERVAL, shutdown.cancelled()).await.is_err() {
        if let Err(error) = keep_once(&database, &shutdown).await {
            tracing::debug!(error = %chain(&error), "upkeep");
        }
    }
}

async fn keep_once(database: &Database, shutdown: &CancellationToken) -> Result<(), Error> {
    while clean_batch(database).await? && !shutdown.is_cancelled() {}
    Ok(outbox::measure(database).await?)
}

/// Deletes refresh tokens, sessions and links that ran off and tries older than any limit
/// looks back, up to a batch of each. Whether there may be more.
///
/// # Errors
/// Those of the database.
pub async fn clean_batch(database: &Database) -> Result<bool, Error> {
    let now = Utc::now() - MARGIN;
    let deleted = database.transaction(async |connection| {
        let tokens = sessions::delete_expired_tokens(connection, now, BATCH_SIZE_MAX).await?;
        let sessions = sessions::delete_expired_sessions(connection, now, BATCH_SIZE_MAX).await?;
        let tries = tries::delete_old_tries(connection, now - WINDOW_MAX, BATCH_SIZE_MAX).await?;
        let links = links::delete_expired_links(connection, now, BATCH_SIZE_MAX).await?;
        Ok::<_, Error>([tokens, sessions, tries, links])
    });
    Ok(deleted.await?.contains(&(BATCH_SIZE_MAX as usize)))
}
