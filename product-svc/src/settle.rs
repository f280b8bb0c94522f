//! What was learnt of checkouts, written to reservations, stock and ledger: from the
//! events of orders, and from asking order-svc about holds that have grown old.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use mesh_data::database::Database;
use tokio_util::sync::CancellationToken;

use crate::{
    clients::Checkouts,
    db::{inventory, reservations as db},
    error::Error,
    reservation::{OrderId, Outcome, settle},
};

const SWEEP_INTERVAL: Duration = Duration::from_secs(5);
/// Most holds asked about at once.
const SWEEP_SIZE_MAX: i64 = 200;

/// Writes what was learnt, in one transaction. Each outcome may be known already.
///
/// # Errors
/// Those of the database.
pub async fn write_outcomes(
    database: &Database,
    outcomes: &[(OrderId, Outcome)],
) -> Result<(), Error> {
    let mut order_ids: Vec<_> = outcomes.iter().map(|(id, _)| *id).collect();
    order_ids.sort();
    order_ids.dedup();
    database
        .transaction(async |connection| {
            let rows = db::lock_reservations(connection, &order_ids).await?;
            let mut reservations: HashMap<_, _> =
                rows.into_iter().map(|row| (row.order_id, row)).collect();
            let open = |id: &OrderId| reservations.get(id).is_some_and(|row| !row.is_final());
            let mut product_ids: Vec<_> = order_ids
                .iter()
                .filter(|id| open(id))
                .flat_map(|id| reservations[id].items.iter().map(|item| item.product_id))
                .collect();
            product_ids.sort();
            product_ids.dedup();
            if product_ids.is_empty() {
                return Ok(());
            }
            let mut stock = inventory::lock_stock(connection, &product_ids).await?;
            let before: BTreeMap<_, _> = stock.clone();
            let settlement = settle(&mut reservations, &mut stock, outcomes);
            if stock != before {
                inventory::update_stock(connection, &stock).await?;
            }
            db::update_states(connection, &settlement.moved).await?;
            inventory::insert_changes(connection, &settlement.changes).await?;
            Ok(())
        })
        .await
}

/// Asks order-svc about holds older than `age` until `shutdown`. Any number of replicas may.
pub async fn sweep(
    database: Database,
    checkouts: Checkouts,
    age: Duration,
    shutdown: CancellationToken,
) {
    while !shutdown.is_cancelled() {
        match sweep_once(&database, &checkouts, age).await {
            Ok(count) if count == SWEEP_SIZE_MAX as usize => continue,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(error = %mesh::error::chain(&error), "old holds stay for now");
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(SWEEP_INTERVAL) => {}
        }
    }
}

/// Asks about holds older than `age`, and tells how many there were.
///
/// **Invariant:** a hold is released only where order-svc says that there is a
/// tombstone. No clock decides: a sweep at any moment is only a nuisance.
///
/// # Errors
/// A database or an order-svc that is not there.
pub async fn sweep_once(
    database: &Database,
    checkouts: &Checkouts,
    age: Duration,
) -> Result<usize, Error> {
    let mut connection = database.connection().await?;
    let old = db::find_held_before(&mut connection, age, SWEEP_SIZE_MAX).await?;
    drop(connection);
    metrics::gauge!("reservations_held_old").set(old.len() as f64);
    if old.is_empty() {
        return Ok(0);
    }
    let outcomes = checkouts.resolve(&old).await?;
    write_outcomes(database, &outcomes).await?;
    Ok(old.len())
}
