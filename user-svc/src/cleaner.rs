//! Deletes what no longer counts: refresh tokens and sessions that ran off, tries that
//! are older than any limit looks back.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use mesh::{database::Database, error::chain};
use tokio_util::sync::CancellationToken;

use crate::{
    db::{sessions, tries},
    error::Error,
    limit::WINDOW_MAX,
};

const INTERVAL: Duration = Duration::from_secs(300);
/// Rows of one kind deleted in one transaction.
const BATCH_SIZE_MAX: i64 = 1000;
/// Kept for this much longer, for the clocks of replicas may differ.
const MARGIN: TimeDelta = TimeDelta::minutes(5);

/// Cleans from time to time until `shutdown`. Any number of replicas may do so at once.
pub async fn clean(database: Database, shutdown: CancellationToken) {
    loop {
        let pause = match clean_batch(&database).await {
            Ok(true) => Duration::ZERO,
            Ok(false) => INTERVAL,
            Err(error) => {
                tracing::warn!(error = %chain(&error), "old rows stay for now");
                INTERVAL
            }
        };
        if shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return;
        }
    }
}

/// Deletes a batch of each kind. Whether there may be more.
pub async fn clean_batch(database: &Database) -> Result<bool, Error> {
    let now = Utc::now() - MARGIN;
    let deleted = database.transaction(async |connection| {
        let tokens = sessions::delete_expired_tokens(connection, now, BATCH_SIZE_MAX).await?;
        let sessions = sessions::delete_expired_sessions(connection, now, BATCH_SIZE_MAX).await?;
        let tries = tries::delete_old_tries(connection, now - WINDOW_MAX, BATCH_SIZE_MAX).await?;
        Ok::<_, Error>([tokens, sessions, tries])
    });
    Ok(deleted.await?.contains(&(BATCH_SIZE_MAX as usize)))
}
