//! Periodic tasks: the rollup of the delivery counts, metrics, and the deletion of what has expired.
//! Each runs by itself, so that the metrics are current when another fails. Any number of replicas may
//! run them at the same time.

use std::time::Duration;

use mesh_data::database::Database;
use tokio_util::sync::CancellationToken;

use crate::{
    db::deliveries as db,
    error::Error,
    notification::{RetentionPolicy, retention},
};

/// How often the counts are rolled up and reported.
pub(crate) const INTERVAL: Duration = Duration::from_secs(2);
/// How often expired rows are deleted.
pub(crate) const RETENTION_INTERVAL: Duration = Duration::from_secs(60);

/// Rolls up the counts.
pub(crate) async fn roll_up(database: &Database) -> Result<(), Error> {
    let mut connection = database.connection().await?;
    Ok(db::roll_up_counts(&mut connection).await?)
}

/// Reports the metrics, independently of the rollup.
pub(crate) async fn measure(database: &Database) -> Result<(), Error> {
    let mut connection = database.connection().await?;
    let statistics = db::statistics(&mut connection).await?;
    metrics::gauge!("notifications_pending").set(statistics.pending as f64);
    metrics::gauge!("notifications_failed").set(statistics.failed as f64);
    let seconds = |age: Option<Duration>| age.unwrap_or_default().as_secs_f64();
    metrics::gauge!("notifications_oldest_pending_seconds")
        .set(seconds(statistics.oldest_pending_age));
    metrics::gauge!("notifications_oldest_unattempted_seconds")
        .set(seconds(statistics.oldest_unattempted_age));
    Ok(())
}

/// Deletes what has expired, in batches, until none is left or the process shuts down.
pub(crate) async fn delete_expired(
    database: &Database,
    policy: &RetentionPolicy,
    shutdown: &CancellationToken,
) -> Result<(), mesh::Error> {
    loop {
        let batch = retention::delete_expired_batch(database, policy).await;
        let may_be_more = batch.inspect_err(|_| report_failures(1))?;
        if !may_be_more || shutdown.is_cancelled() {
            return Ok(());
        }
    }
}

/// Adds to the failures of the retention task. 0: only exposes the metric.
pub(crate) fn report_failures(count: u64) {
    metrics::counter!("retention_failures_total").increment(count);
}
