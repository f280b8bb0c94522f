//! The periodic task: rolls up orders, and reports how many rows are pending.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{App, db::statistics as db, error::Error, statistics::rollup::roll_up};

/// How often the task runs.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);

/// Runs once. Any number of replicas may do so at the same time.
pub(crate) async fn run_once(app: App, shutdown: CancellationToken) -> Result<(), Error> {
    while roll_up(&app).await? && !shutdown.is_cancelled() {}
    let mut connection = app.database.connection().await?;
    let pending = db::count_pending(&mut connection).await?;
    metrics::gauge!("orders_uncounted").set(pending as f64);
    Ok(())
}
