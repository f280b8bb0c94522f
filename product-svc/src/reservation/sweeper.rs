//! The sweeper resolves holds older than `HOLD_SECONDS_MAX`, whose checkouts may never end otherwise.

use std::time::Duration;

use mesh_data::database::Database;

use crate::{
    clients::Checkouts, db::reservations as db, error::Error, reservation::outcomes::apply_outcomes,
};

/// Most holds of one batch.
pub(crate) const BATCH_SIZE_MAX: usize = 200;

/// Asks order-svc for the outcomes of a batch of holds older than `age` and applies them. Returns
/// the size of the batch.
///
/// **Invariant:** a hold is released only if order-svc has a tombstone for its order. No clock
/// decides: a sweep at any moment is safe.
///
/// # Errors
/// An unavailable database or order-svc.
pub async fn sweep_once(
    database: &Database,
    checkouts: &Checkouts,
    age: Duration,
) -> Result<usize, Error> {
    let mut connection = database.connection().await?;
    let old = db::find_held_before(&mut connection, age, BATCH_SIZE_MAX as i64).await?;
    drop(connection);
    metrics::gauge!("reservations_held_old").set(old.len() as f64);
    if old.is_empty() {
        return Ok(0);
    }
    let outcomes = checkouts.resolve(&old).await?;
    apply_outcomes(database, &outcomes).await?;
    Ok(old.len())
}
