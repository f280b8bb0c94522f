//! Operations on stock. Each owns its transaction, and is what one method of
//! InventoryService does.

use std::collections::BTreeMap;

use mesh_data::page;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    App,
    catalogue::find_tsquery,
    db::inventory as db,
    error::Error,
    inventory::{Change, Inventory, InventoryUpdate, NewChange},
    product::ProductId,
};

/// What ListInventory is to find.
#[derive(Debug, Clone, Serialize)]
pub struct InventoryFilter {
    /// Words to find; empty finds all.
    pub query: String,
    /// Only what is low or out.
    pub low_stock_only: bool,
}

/// Where a page of stock begins: after this product.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InventoryCursor {
    /// Its name.
    pub name: String,
    /// Its id.
    pub product_id: ProductId,
}

/// Where a page of the ledger begins: after this row.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChangeCursor {
    /// Its id.
    pub change_id: Uuid,
}

/// The stock of a product, archived or not.
pub async fn get_inventory(app: &App, id: ProductId) -> Result<Inventory, Error> {
    let mut connection = app.database.connection().await?;
    let inventory = db::find_inventory(&mut connection, id).await?;
    inventory.ok_or_else(|| Error::product_not_found(id))
}

/// A page of the stock of all products by name, and where the next one begins.
pub async fn list_inventory(
    app: &App,
    filter: &InventoryFilter,
    cursor: Option<&InventoryCursor>,
    page_size: i64,
) -> Result<(Vec<Inventory>, Option<InventoryCursor>), Error> {
    let mut connection = app.database.connection().await?;
    let tsquery = find_tsquery(&mut connection, &filter.query).await?;
    let low = filter.low_stock_only;
    let rows =
        db::list_inventory(&mut connection, tsquery.as_deref(), low, cursor, page_size + 1).await?;
    let (rows, more) = page::cut(rows, page_size);
    let next = rows
        .last()
        .filter(|_| more)
        .map(|row| InventoryCursor { name: row.product_name.clone(), product_id: row.product_id });
    Ok((rows, next))
}

/// Sets or adjusts what is on hand. The same request, made again, changes nothing.
pub async fn update_inventory(
    app: &App,
    actor_id: Uuid,
    request_id: Uuid,
    update: &InventoryUpdate,
) -> Result<Inventory, Error> {
    let id = update.product_id;
    let asked = serde_json::to_vec(update).map_err(mesh::Error::internal)?;
    let fingerprint = Sha256::digest(asked).to_vec();
    let inventory = app
        .database
        .transaction(async |connection| {
            let known = db::insert_request(connection, actor_id, request_id, &fingerprint).await?;
            match known {
                Some(known) if known != fingerprint => return Err(Error::RequestIdReused),
                Some(_) => {}
                None => write_update(connection, actor_id, update).await?,
            }
            let inventory = db::find_inventory(connection, id).await?;
            inventory.ok_or_else(|| Error::product_not_found(id))
        })
        .await?;
    app.lists.forget();
    Ok(inventory)
}

async fn write_update(
    connection: &mut mesh_data::database::Connection,
    actor_id: Uuid,
    update: &InventoryUpdate,
) -> Result<(), Error> {
    let id = update.product_id;
    let mut stock = db::lock_stock(connection, &[id]).await?;
    let before = stock.remove(&id).ok_or_else(|| Error::product_not_found(id))?;
    let after = update.apply(&before)?;
    let change = update.change.map(|(_, reason)| NewChange {
        product_id: id,
        delta: after.on_hand - before.on_hand,
        on_hand_after: after.on_hand,
        reason,
        note: update.note.clone(),
        actor_id: Some(actor_id),
        order_id: None,
    });
    db::update_stock(connection, &BTreeMap::from([(id, after)])).await?;
    db::insert_changes(connection, change.as_slice()).await?;
    Ok(())
}

/// A page of the ledger of a product, newest first, and where the next one begins.
pub async fn list_inventory_changes(
    app: &App,
    id: ProductId,
    cursor: Option<&ChangeCursor>,
    page_size: i64,
) -> Result<(Vec<Change>, Option<ChangeCursor>), Error> {
    let mut connection = app.database.connection().await?;
    let changes = db::list_changes(&mut connection, id, cursor, page_size + 1).await?;
    if changes.is_empty() && cursor.is_none() {
        let inventory = db::find_inventory(&mut connection, id).await?;
        inventory.ok_or_else(|| Error::product_not_found(id))?;
    }
    let (changes, more) = page::cut(changes, page_size);
    let next = changes.last().filter(|_| more).map(|last| ChangeCursor { change_id: last.id });
    Ok((changes, next))
}
