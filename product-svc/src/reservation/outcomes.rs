//! Applies the outcomes of checkouts to reservations, stock and ledger. They come from events, and
//! from the sweeper.

use std::collections::{BTreeMap, HashMap};

use mesh_data::{database::Database, failpoint};

use crate::{
    db::{inventory, reservations as db},
    error::Error,
    inventory::OrderId,
    reservation::{AppliedOutcomes, Outcome},
};

/// Applies `outcomes` in one transaction. An outcome that was applied before changes nothing.
///
/// # Errors
/// Those of the database.
pub async fn apply_outcomes(
    database: &Database,
    outcomes: &[(OrderId, Outcome)],
) -> Result<(), Error> {
    let mut order_ids: Vec<_> = outcomes.iter().map(|(id, _)| *id).collect();
    order_ids.sort();
    order_ids.dedup();
    let applied = database
        .transaction(async |connection| {
            let rows = db::lock_reservations(connection, &order_ids).await?;
            let open = rows.iter().filter(|row| !row.is_final());
            let items = open.flat_map(|row| row.items.iter().map(|item| item.product_id));
            let mut product_ids: Vec<_> = items.collect();
            product_ids.sort();
            product_ids.dedup();
            if product_ids.is_empty() {
                return Ok::<_, Error>(AppliedOutcomes::default());
            }
            let mut reservations: HashMap<_, _> =
                rows.into_iter().map(|row| (row.order_id, row)).collect();
            let mut stock = inventory::lock_stock(connection, &product_ids).await?;
            let before: BTreeMap<_, _> = stock.clone();
            let applied = AppliedOutcomes::apply(&mut reservations, &mut stock, outcomes);
            stock.retain(|id, stock| before.get(id) != Some(stock));
            inventory::update_stock(connection, &stock).await?;
            db::update_states(connection, &applied.transitions).await?;
            inventory::insert_ledger_entries(connection, &applied.ledger_entries).await?;
            Ok(applied)
        })
        .await?;
    if !applied.transitions.is_empty() {
        failpoint::hit("outcomes-applied");
    }
    Ok(())
}
