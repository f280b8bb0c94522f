//! Operations on stock: GetInventory, ListInventory and UpdateInventory.

use std::collections::BTreeMap;

use mesh_data::{
    audit::{self, Change},
    database::Connection,
    page::{Listed, Page},
};
use uuid::Uuid;

use crate::{
    App,
    db::inventory as db,
    error::Error,
    inventory::{Inventory, InventoryCursor, InventoryFilter, InventoryUpdate, NewLedgerEntry},
    product::{ProductId, query::SearchQuery, search},
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
    let (cursor, limit) = (page.cursor.as_ref(), page.limit());
    let rows = if filter.query.is_empty() {
        let mut connection = app.database.connection().await?;
        db::list_inventory(&mut connection, filter, None, cursor, limit).await?
    } else {
        let listed = app.search_database.transaction(async |connection| {
            let query = search::begin(connection, &filter.query).await?;
            let tsquery = query.as_ref().map(SearchQuery::similar);
            Ok(db::list_inventory(connection, filter, tsquery, cursor, limit).await?)
        });
        listed.await?
    };
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
    let fingerprint = update.fingerprint();
    let inventory = app
        .database
        .transaction(async |connection| {
            match db::insert_request(connection, actor_id, request_id, &fingerprint).await? {
                None => write_update(connection, actor_id, update).await?,
                Some(existing) if existing == fingerprint => audit::unchanged(),
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
    let difference =
        Change::new("inventory", id.0, &before.audited_fields(), &after.audited_fields());
    audit::record(connection, &[difference]).await?;
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
