//! The rollup: moves pending rows of placed and cancelled orders into the sums.

use crate::{App, db::statistics as db, error::Error};

/// Most pending rows that one transaction rolls up.
const ROLLUP_SIZE_MAX: i64 = 5_000;

/// Rolls up pending rows, each exactly once: a row is deleted in the transaction that adds
/// it to the sums. Any number of replicas may do so at once. Returns whether there may be
/// more.
///
/// # Errors
/// Those of the database.
pub async fn roll_up(app: &App) -> Result<bool, Error> {
    let count = app
        .database
        .transaction(async |connection| {
            if db::try_lock_rollup(connection).await? {
                Ok::<_, Error>(db::roll_up(connection, ROLLUP_SIZE_MAX).await?)
            } else {
                Ok(0)
            }
        })
        .await?;
    metrics::counter!("orders_folded_total").increment(count.unsigned_abs());
    Ok(count == ROLLUP_SIZE_MAX)
}
