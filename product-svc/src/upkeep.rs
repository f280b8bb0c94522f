//! Periodic tasks.

use std::time::Duration;

use mesh_data::database::Database;

use crate::{
    clients::Checkouts,
    error::Error,
    reservation::sweeper::{BATCH_SIZE_MAX, sweep_once},
};

/// How often the sweeper runs.
pub(crate) const SWEEP_INTERVAL: Duration = Duration::from_secs(5);
/// Most batches of one run, so that shutdown does not wait for a long backlog.
const SWEEP_BATCHES_MAX: usize = 50;

/// Resolves holds older than `age`. Any number of replicas may do so at once.
pub(crate) async fn sweep(
    database: &Database,
    checkouts: &Checkouts,
    age: Duration,
) -> Result<(), Error> {
    for _ in 0..SWEEP_BATCHES_MAX {
        if sweep_once(database, checkouts, age).await? < BATCH_SIZE_MAX {
            break;
        }
    }
    Ok(())
}
