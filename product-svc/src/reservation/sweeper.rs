//! The sweeper resolves holds older than `HOLD_SECONDS_MAX`, whose checkouts may never end otherwise.

use std::time::Duration;

use mesh_data::database::Database;

use crate::{
    clients::Checkouts,
    db::reservations as db,
    error::Error,
    inventory::OrderId,
    reservation::{Outcome, outcomes::apply_outcomes},
};

/// Most holds of one batch.
const BATCH_SIZE_MAX: usize = 200;
/// Most batches of one sweep, so that shutdown does not wait for a long backlog.
const BATCHES_MAX: usize = 50;

/// Asks order-svc for the outcomes of holds older than `age` and applies them, oldest first. A hold
/// that stays unresolved delays no other. Returns how many holds there were.
///
/// **Invariant:** a hold is released only if order-svc has a tombstone for its order. No clock
/// decides: a sweep at any moment is safe.
///
/// # Errors
/// An unavailable database or order-svc, or the last outcome that could not be applied.
pub async fn sweep(
    database: &Database,
    checkouts: &Checkouts,
    age: Duration,
) -> Result<usize, Error> {
    let (mut cursor, mut swept, mut result) = (None, 0, Ok(()));
    for _ in 0..BATCHES_MAX {
        let mut connection = database.connection().await?;
        let old = db::find_held_before(&mut connection, age, cursor, BATCH_SIZE_MAX as i64).await?;
        drop(connection);
        if cursor.is_none() {
            metrics::gauge!("reservations_held_old").set(old.len() as f64);
        }
        let Some(last) = old.last() else { break };
        let order_ids: Vec<_> = old.iter().map(|(_, order_id)| *order_id).collect();
        let outcomes = checkouts.resolve(&order_ids).await?;
        if let Err(error) = apply(database, &outcomes).await {
            result = Err(error);
        }
        swept += old.len();
        if old.len() < BATCH_SIZE_MAX {
            break;
        }
        cursor = Some(*last);
    }
    result.map(|()| swept)
}

/// Applies outcomes together, or singly if one of them fails, so that it affects no other. Returns
/// the last error.
async fn apply(database: &Database, outcomes: &[(OrderId, Outcome)]) -> Result<(), Error> {
    let Err(error) = apply_outcomes(database, outcomes).await else { return Ok(()) };
    if outcomes.len() < 2 || !matches!(error, Error::Mesh(mesh::Error::Internal(_))) {
        return Err(error);
    }
    let mut result = Ok(());
    for outcome in outcomes.chunks(1) {
        if let Err(error) = apply_outcomes(database, outcome).await {
            result = Err(error);
        }
    }
    result
}
