//! Periodic tasks: delete rows that have expired, and make the name keys of accounts that an older
//! program has written. Any number of replicas may run them.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use mesh_data::database::Database;
use tokio_util::sync::CancellationToken;

use crate::{
    db::{attempts, devices, links, sessions, users},
    device::DEVICE_DURATION_MAX,
    error::Error,
    limit::WINDOW_MAX,
};

pub(crate) const INTERVAL: Duration = Duration::from_secs(10);
/// Most rows of one kind that one transaction deletes.
const BATCH_SIZE_MAX: i64 = 1000;
/// How much longer rows stay: the clocks of replicas may differ.
const CLOCK_SKEW_MAX: TimeDelta = TimeDelta::minutes(5);

/// Deletes expired rows, in batches, until none is left or the process shuts down.
pub(crate) async fn delete_expired(
    database: &Database,
    shutdown: &CancellationToken,
) -> Result<(), Error> {
    while delete_expired_batch(database).await? && !shutdown.is_cancelled() {}
    Ok(())
}

/// Makes the missing name keys of accounts, in batches, until none is left or the process shuts down.
pub(crate) async fn make_name_keys(
    database: &Database,
    shutdown: &CancellationToken,
) -> Result<(), Error> {
    loop {
        let made = database.transaction(async |connection| {
            Ok::<_, Error>(users::update_name_keys(connection, BATCH_SIZE_MAX).await?)
        });
        if made.await? < BATCH_SIZE_MAX as usize || shutdown.is_cancelled() {
            return Ok(());
        }
    }
}

/// Deletes expired sessions, links and devices, and attempts older than any window: up
/// to a batch of each. Returns whether there may be more.
///
/// # Errors
/// Those of the database.
pub async fn delete_expired_batch(database: &Database) -> Result<bool, Error> {
    let time = Utc::now() - CLOCK_SKEW_MAX;
    let deleted = database.transaction(async |connection| {
        let sessions = sessions::delete_expired_sessions(connection, time, BATCH_SIZE_MAX).await?;
        let oldest = time - WINDOW_MAX;
        let attempts = attempts::delete_old_attempts(connection, oldest, BATCH_SIZE_MAX).await?;
        let links = links::delete_expired_links(connection, time, BATCH_SIZE_MAX).await?;
        let oldest = time - DEVICE_DURATION_MAX;
        let devices = devices::delete_old_devices(connection, oldest, BATCH_SIZE_MAX).await?;
        Ok::<_, Error>([sessions, attempts, links, devices])
    });
    Ok(deleted.await?.contains(&(BATCH_SIZE_MAX as usize)))
}
