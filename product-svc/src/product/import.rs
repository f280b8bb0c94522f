//! ImportProducts: creates or changes products by SKU, all rows of a file or none.

use std::collections::{BTreeMap, HashMap, HashSet};

use mesh_data::database::Connection;
use uuid::Uuid;

use crate::{
    App,
    db::{inventory, products as db},
    error::Error,
    inventory::{ChangeReason, NewLedgerEntry, Stock},
    product::{BadRow, ImportReport, ImportRow, Product, ProductFields, ProductId},
};

/// Most bad rows that a report lists.
const BAD_ROWS_MAX: usize = 1_000;

/// Imports the rows of a file, or reports its bad rows. `actor_id` is the account or API client;
/// `None` is the system.
pub(crate) async fn import_products(
    app: &App,
    actor_id: Option<Uuid>,
    rows: Result<Vec<ImportRow>, Vec<BadRow>>,
) -> Result<ImportReport, Error> {
    match rows {
        Ok(rows) => {
            let import = Import { rows: &rows, actor_id };
            let report =
                app.database.transaction(async |connection| import.write(connection).await).await?;
            app.lists.invalidate();
            Ok(report)
        }
        Err(bad_rows) => Ok(rejection(bad_rows)),
    }
}

fn rejection(bad_rows: impl IntoIterator<Item = BadRow>) -> ImportReport {
    let bad_rows = bad_rows.into_iter().take(BAD_ROWS_MAX).collect();
    ImportReport { bad_rows, ..ImportReport::default() }
}

struct Import<'a> {
    rows: &'a [ImportRow],
    actor_id: Option<Uuid>,
}

impl Import<'_> {
    /// Writes all rows, or none if one is bad.
    async fn write(&self, connection: &mut Connection) -> Result<ImportReport, Error> {
        db::lock_catalogue(connection).await?;
        let products = self.find_products(connection).await?;
        let existing = ExistingProducts::read(connection, self.rows, &products).await?;
        let bad_rows: Vec<_> =
            self.rows.iter().filter_map(|row| existing.find_conflict(row)).collect();
        if !bad_rows.is_empty() {
            return Ok(rejection(bad_rows));
        }

        let mut ids = Vec::with_capacity(self.rows.len());
        let (mut new, mut changed) = (Vec::new(), Vec::new());
        for row in self.rows {
            let product = existing.by_sku.get(&*row.fields.sku);
            let id = product.map_or_else(|| ProductId(Uuid::now_v7()), |product| product.id);
            ids.push(id);
            match product {
                None => new.push((id, &row.fields, None)),
                Some(product) if product.fields == row.fields => {}
                Some(product) => changed.push((id, &row.fields, product.archived)),
            }
        }
        db::insert_products(connection, &new).await?;
        db::update_products(connection, &changed).await?;
        let restocked = self.restock(connection, &ids).await?;

        let created: HashSet<_> = new.iter().map(|(id, ..)| *id).collect();
        let updated: HashSet<_> = changed.iter().map(|(id, ..)| *id).chain(restocked).collect();
        let (created, updated) = (created.len(), updated.difference(&created).count());
        let unchanged = self.rows.len() - created - updated;
        Ok(ImportReport { created, updated, unchanged, bad_rows: Vec::new() })
    }

    async fn find_products(&self, connection: &mut Connection) -> Result<Vec<Product>, Error> {
        let skus: Vec<_> = self.rows.iter().map(|row| &*row.fields.sku).collect();
        Ok(db::find_products_by_sku(connection, &skus).await?)
    }

    /// Sets the stock of the products `ids`, one for each row, and adds it to the ledger. Returns
    /// the products whose stock changed.
    async fn restock(
        &self,
        connection: &mut Connection,
        ids: &[ProductId],
    ) -> Result<Vec<ProductId>, Error> {
        let before = inventory::lock_stock(connection, ids).await?;
        let mut stock = before.clone();
        for (id, row) in ids.iter().zip(self.rows) {
            stock.entry(*id).and_modify(|stock| {
                stock.on_hand = row.on_hand.unwrap_or(stock.on_hand);
                stock.low_stock_threshold =
                    row.low_stock_threshold.unwrap_or(stock.low_stock_threshold);
            });
        }
        stock.retain(|id, stock| before.get(id) != Some(stock));
        inventory::update_stock(connection, &stock).await?;
        let entries = stock.iter().map(|(&product_id, after)| NewLedgerEntry {
            product_id,
            delta: after.on_hand - before[&product_id].on_hand,
            on_hand_after: after.on_hand,
            reason: ChangeReason::Imported,
            note: String::new(),
            actor_id: self.actor_id,
            order_id: None,
        });
        let entries: Vec<_> = entries.filter(|entry| entry.delta != 0).collect();
        inventory::insert_ledger_entries(connection, &entries).await?;
        Ok(stock.into_keys().collect())
    }
}

/// The products in the catalogue that rows of a file may change or conflict with.
struct ExistingProducts<'a> {
    by_sku: HashMap<&'a str, &'a Product>,
    stock: BTreeMap<ProductId, Stock>,
    /// SKUs by slug.
    slugs: HashMap<String, String>,
}

impl<'a> ExistingProducts<'a> {
    async fn read(
        connection: &mut Connection,
        rows: &[ImportRow],
        products: &'a [Product],
    ) -> Result<Self, Error> {
        let ids: Vec<_> = products.iter().map(|product| product.id).collect();
        let slugs: Vec<_> = rows.iter().map(|row| &*row.fields.slug).collect();
        Ok(Self {
            by_sku: products.iter().map(|product| (&*product.fields.sku, product)).collect(),
            stock: inventory::lock_stock(connection, &ids).await?,
            slugs: db::find_slugs(connection, &slugs).await?,
        })
    }

    /// Returns what makes the row impossible beside the existing products.
    fn find_conflict(&self, row: &ImportRow) -> Option<BadRow> {
        let ProductFields { sku, slug, .. } = &row.fields;
        let product = self.by_sku.get(&**sku);
        let held = product.and_then(|product| self.stock.get(&product.id)).map_or(0, |s| s.held);
        let error = match (self.slugs.get(slug), row.on_hand) {
            (Some(owner), _) if owner != sku => Error::SlugTaken { slug: slug.clone() },
            (_, Some(on_hand)) if on_hand < held => Error::StockHeld { on_hand, held },
            _ => return None,
        };
        Some(BadRow::new(row.line, error.to_string()))
    }
}
