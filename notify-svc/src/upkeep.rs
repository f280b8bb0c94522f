//! What is done every few seconds beside all else: counts folded, and what waits told
//! as metrics.

use std::time::Duration;

use mesh::error::chain;
use mesh_data::{database::Database, outbox};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{db::deliveries as db, error::Error};

const INTERVAL: Duration = Duration::from_secs(2);

/// Does so until `shutdown`. Any number of replicas may.
pub async fn keep(database: Database, shutdown: CancellationToken) {
    while timeout(INTERVAL, shutdown.cancelled()).await.is_err() {
        if let Err(error) = keep_once(&database).await {
            tracing::debug!(error = %chain(&error), "upkeep");
        }
    }
}

async fn keep_once(database: &Database) -> Result<(), Error> {
    let mut connection = database.connection().await?;
    db::fold_counts(&mut connection).await?;
    let statistics = db::statistics(&mut connection).await?;
    drop(connection);
    metrics::gauge!("notifications_pending").set(statistics.pending as f64);
    metrics::gauge!("notifications_failed").set(statistics.failed as f64);
    let age = statistics.oldest_pending_age.unwrap_or_default();
    metrics::gauge!("notifications_oldest_pending_seconds").set(age.as_secs_f64());
    Ok(outbox::measure(database).await?)
}
