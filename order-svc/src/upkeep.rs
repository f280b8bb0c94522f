//! Periodic tasks: the rollup of orders, and the number of pending rows. Each runs by itself, so that
//! the number is current when the rollup fails.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{App, db::statistics as db, error::Error, statistics::rollup::roll_up};

/// How often each task runs.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);

/// Rolls up what is pending. Any number of replicas may do so at the same time.
pub(crate) async fn roll_up_pending(app: App, shutdown: CancellationToken) -> Result<(), Error> {
    while roll_up(&app).await? && !shutdown.is_cancelled() {}
    Ok(())
}

/// Reports how many rows are pending, whatever becomes of the rollup.
pub(crate) async fn measure(app: App) -> Result<(), Error> {
    let mut connection = app.database.connection().await?;
    let pending = db::count_pending(&mut connection).await?;
    metrics::gauge!("orders_uncounted").set(pending as f64);
    Ok(())
}
