//! Periodic tasks: the rollup of the delivery counts, and metrics. Each runs by itself, so that the
//! metrics are current when the rollup fails.

use std::time::Duration;

use mesh_data::database::Database;

use crate::{db::deliveries as db, error::Error};

/// How often each task runs.
pub(crate) const INTERVAL: Duration = Duration::from_secs(2);

/// Rolls up the counts. Any number of replicas may do so at the same time.
pub(crate) async fn roll_up(database: &Database) -> Result<(), Error> {
    let mut connection = database.connection().await?;
    Ok(db::roll_up_counts(&mut connection).await?)
}

/// Reports the metrics, whatever becomes of the rollup.
pub(crate) async fn measure(database: &Database) -> Result<(), Error> {
    let mut connection = database.connection().await?;
    let statistics = db::statistics(&mut connection).await?;
    metrics::gauge!("notifications_pending").set(statistics.pending as f64);
    metrics::gauge!("notifications_failed").set(statistics.failed as f64);
    let age = statistics.oldest_pending_age.unwrap_or_default();
    metrics::gauge!("notifications_oldest_pending_seconds").set(age.as_secs_f64());
    Ok(())
}
