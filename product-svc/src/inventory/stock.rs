//! Operations on stock: GetInventory, ListInventory and UpdateInventory.

use std::collections::BTreeMap;

use mesh_data::{
    database::Connection,
    page::{Listed, Page},
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    App,
    db::inventory as db,
    error::Error,
    inventory::{Inventory, InventoryCursor, InventoryFilter, InventoryUpdate, NewLedgerEntry},
    product::{ProductId, search::find_tsquery},
};

/// Returns the stock of a product, archived or not.
pub(crate) async fn get_inventory(app: &App, id: ProductId) -> Result<Inventory, Error> {
    let mut connection = app.database.connection().await?;
    let inventory = db::find_inventory(&mut connection, id).await?;
    inventory.ok_or_else(|| Error::product_not_found(id))
}

/// Returns a page of the stock of all products, sorted by name.
pub(crate) async fn list_inventory(
    app: &App,
    filter: &InventoryFilter,
    page: &Page<InventoryCursor>,
) -> Result<Listed<Inventory>, Error> {
    let mut connection = app.database.connection().await?;
    let tsquery = find_tsquery(&mut connection, &filter.query).await?;
    let (cursor, limit) = (page.cursor.as_ref(), page.limit());
    let rows = db::list_inventory(&mut connection, filter, tsquery, cursor, limit).await?;
    Ok(page.finish(rows, InventoryCursor::after))
}

/// Sets or adjusts `on_hand` once per idempotency key. A replay changes nothing.
pub(crate) async fn update_inventory(
    app: &App,
    actor_id: Uuid,
    request_id: Uuid,
    update: &InventoryUpdate,
) -> Result<Inventory, Error> {
    let id = update.product_id;
    let serialized = serde_json::to_vec(update).map_err(mesh::Error::internal)?;
    let fingerprint = Sha256::digest(serialized).to_vec();
    let inventory = app
        .database
        .transaction(async |connection| {
            match db::insert_request(connection, actor_id, request_id, &fingerprint).await? {
                None => write_update(connection, actor_id, update).await?,
                Some(existing) if existing == fingerprint => {}
                Some(_) => return Err(Error::RequestIdReused),
            }
            let inventory = db::find_inventory(connection, id).await?;
            inventory.ok_or_else(|| Error::product_not_found(id))
        })
        .await?;
    app.lists.invalidate();
    Ok(inventory)
}

async fn write_update(
    connection: &mut Connection,
    actor_id: Uuid,
    update: &InventoryUpdate,
) -> Result<(), Error> {
    let id = update.product_id;
    let mut stock = db::lock_stock(connection, &[id]).await?;
    let before = stock.remove(&id).ok_or_else(|| Error::product_not_found(id))?;
    let after = update.apply(&before)?;
    let entry = update.change.map(|(_, reason)| NewLedgerEntry {
        product_id: id,
        delta: after.on_hand - before.on_hand,
        on_hand_after: after.on_hand,
        reason,
        note: update.note.clone(),
        actor_id: Some(actor_id),
        order_id: None,
    });
    db::update_stock(connection, &BTreeMap::from([(id, after)])).await?;
    db::insert_ledger_entries(connection, entry.as_slice()).await?;
    Ok(())
}
