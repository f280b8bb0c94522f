//! Operations on the ledger: ListInventoryChanges.

use mesh_data::page::{Listed, Page};

use crate::{
    App,
    db::inventory as db,
    error::Error,
    inventory::{LedgerCursor, LedgerEntry},
    product::ProductId,
};

/// Returns a page of the ledger of a product, newest entry first.
pub(crate) async fn list_inventory_changes(
    app: &App,
    id: ProductId,
    page: &Page<LedgerCursor>,
) -> Result<Listed<LedgerEntry>, Error> {
    let mut connection = app.database.connection().await?;
    let cursor = page.cursor.as_ref();
    let entries = db::list_ledger_entries(&mut connection, id, cursor, page.limit()).await?;
    if entries.is_empty() && cursor.is_none() {
        let inventory = db::find_inventory(&mut connection, id).await?;
        inventory.ok_or_else(|| Error::product_not_found(id))?;
    }
    Ok(page.finish(entries, LedgerCursor::after))
}
