//! What is done every second beside all else: orders moved into the sums of the
//! statistics, and what waits told as metrics.

use std::time::Duration;

use mesh::error::chain;
use mesh_data::outbox;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{App, db::statistics as db, error::Error, statistics::fold};

const INTERVAL: Duration = Duration::from_secs(1);

/// Does so until `shutdown`. Any number of replicas may.
pub async fn keep(app: App, shutdown: CancellationToken) {
    while timeout(INTERVAL, shutdown.cancelled()).await.is_err() {
        if let Err(error) = keep_once(&app, &shutdown).await {
            tracing::debug!(error = %chain(&error), "upkeep");
        }
    }
}

async fn keep_once(app: &App, shutdown: &CancellationToken) -> Result<(), Error> {
    while fold(app).await? && !shutdown.is_cancelled() {}
    let mut connection = app.database.connection().await?;
    let uncounted = db::count_uncounted(&mut connection).await?;
    drop(connection);
    metrics::gauge!("orders_uncounted").set(uncounted as f64);
    Ok(outbox::measure(&app.database).await?)
}
