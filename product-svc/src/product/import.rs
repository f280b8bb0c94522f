//! ImportProducts: creates or changes products by SKU. A file with a bad row is not imported.

use std::collections::{BTreeMap, HashMap, HashSet};

use mesh_data::{
    audit::{self, Change},
    database::Connection,
};
use serde_json::Value;
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
/// Most rows of one transaction.
const CHUNK_ROWS_MAX: usize = 500;

/// Imports the rows of a file, or reports its bad rows. `actor_id` is the account or API client;
/// `None` is the system.
///
/// All rows are checked before any is written. Then they are written in chunks: first the products,
/// then their stock, and only stock that changes is locked. So no checkout waits for the file, and
/// the same file again completes an import that was interrupted. The import goes on if its caller
/// stops waiting.
pub(crate) async fn import_products(
    app: &App,
    actor_id: Option<Uuid>,
    rows: Result<Vec<ImportRow>, Vec<BadRow>>,
) -> Result<ImportReport, Error> {
    let rows = match rows {
        Ok(rows) => rows,
        Err(bad_rows) => return Ok(rejection(bad_rows)),
    };
    let app = app.clone();
    let import = audit::in_current_call(async move {
        let report = import_rows(&app, actor_id, &rows).await;
        app.lists.invalidate();
        report
    });
    tokio::spawn(import).await.map_err(mesh::Error::internal)?
}

async fn import_rows(
    app: &App,
    actor_id: Option<Uuid>,
    rows: &[ImportRow],
) -> Result<ImportReport, Error> {
    let mut bad_rows = Vec::new();
    for chunk in rows.chunks(CHUNK_ROWS_MAX) {
        let mut connection = app.database.connection().await?;
        let existing = Existing::read(&mut connection, chunk).await?;
        bad_rows.extend(chunk.iter().filter_map(|row| existing.find_conflict(row)));
    }
    if !bad_rows.is_empty() {
        return Ok(rejection(bad_rows));
    }
    let mut report = ImportReport::default();
    // A file without rows has no transaction.
    audit::unchanged();
    for rows in rows.chunks(CHUNK_ROWS_MAX) {
        let chunk = Chunk { rows, actor_id };
        let written =
            app.database.transaction(async |connection| chunk.write_products(connection).await);
        let written = written.await?;
        let stocked = app
            .database
            .transaction(async |connection| chunk.write_stock(connection, &written.ids).await);
        let (restocked, held) = stocked.await?;
        let updated: HashSet<_> = restocked.union(&written.updated).collect();
        let updated = updated.iter().filter(|id| !written.created.contains(id)).count();
        report.created += written.created.len();
        report.updated += updated;
        report.unchanged += written.ids.len() - written.created.len() - updated;
        report.bad_rows.extend(written.bad_rows.into_iter().chain(held));
    }
    report.bad_rows.sort_by_key(|row| row.line);
    report.bad_rows.truncate(BAD_ROWS_MAX);
    Ok(report)
}

/// Reports bad rows of a file that is not imported.
fn rejection(bad_rows: impl IntoIterator<Item = BadRow>) -> ImportReport {
    audit::unchanged();
    let bad_rows = bad_rows.into_iter().take(BAD_ROWS_MAX).collect();
    ImportReport { bad_rows, ..ImportReport::default() }
}

/// Rows of a file that are written together.
struct Chunk<'a> {
    rows: &'a [ImportRow],
    actor_id: Option<Uuid>,
}

/// The outcome of the products of a chunk.
struct WrittenProducts {
    /// The products of the rows that are not bad, with the index of the row.
    ids: Vec<(ProductId, usize)>,
    created: HashSet<ProductId>,
    updated: HashSet<ProductId>,
    /// Rows that another change has made impossible since the file was checked.
    bad_rows: Vec<BadRow>,
}

impl Chunk<'_> {
    /// Creates the products of the chunk, and updates those that exist.
    async fn write_products(&self, connection: &mut Connection) -> Result<WrittenProducts, Error> {
        db::lock_catalogue(connection).await?;
        let existing = Existing::read(connection, self.rows).await?;
        let (mut ids, mut bad_rows) = (Vec::new(), Vec::new());
        let (mut new, mut changed, mut differences) = (Vec::new(), Vec::new(), Vec::new());
        for (i, row) in self.rows.iter().enumerate() {
            if let Some(bad) = existing.find_conflict(row) {
                bad_rows.push(bad);
                continue;
            }
            let product = existing.by_sku.get(&row.fields.sku);
            let id = product.map_or_else(|| ProductId(Uuid::now_v7()), |product| product.id);
            ids.push((id, i));
            match product {
                None => new.push((id, &row.fields, None)),
                Some(product) if product.fields == row.fields => continue,
                Some(product) => changed.push((id, &row.fields, product.archived)),
            }
            let before = product.map_or(Value::Null, |product| product.fields.audited_fields());
            differences.push(Change::new("product", id.0, &before, &row.fields.audited_fields()));
        }
        audit::record(connection, &differences).await?;
        db::insert_products(connection, &new).await?;
        db::update_products(connection, &changed).await?;
        let created = new.iter().map(|(id, ..)| *id).collect();
        let updated = changed.iter().map(|(id, ..)| *id).collect();
        Ok(WrittenProducts { ids, created, updated, bad_rows })
    }

    /// Sets the stock of products where it differs, and adds it to the ledger. Returns the products
    /// whose stock changed, and the rows with less stock than checkouts hold by now.
    async fn write_stock(
        &self,
        connection: &mut Connection,
        ids: &[(ProductId, usize)],
    ) -> Result<(HashSet<ProductId>, Vec<BadRow>), Error> {
        let all: Vec<_> = ids.iter().map(|(id, _)| *id).collect();
        let seen = inventory::find_stock(connection, &all).await?;
        let rows = ids.iter().map(|&(id, i)| (id, &self.rows[i]));
        let differing: Vec<_> = rows
            .filter(|(id, row)| seen.get(id).is_some_and(|s| with_stock_of(row, s) != *s))
            .collect();
        let to_lock: Vec<_> = differing.iter().map(|(id, _)| *id).collect();
        let before = inventory::lock_stock(connection, &to_lock).await?;
        let mut stock = BTreeMap::new();
        let mut bad_rows = Vec::new();
        for (id, row) in differing {
            let Some(before) = before.get(&id) else { continue };
            let after = with_stock_of(row, before);
            if after.on_hand < before.held {
                let (on_hand, held) = (after.on_hand, before.held);
                let error = Error::StockHeld { on_hand, held };
                bad_rows.push(BadRow::new(row.line, error.to_string()));
            } else if after != *before {
                stock.insert(id, after);
            }
        }
        inventory::update_stock(connection, &stock).await?;
        let differences = stock.iter().map(|(id, after)| {
            Change::new("inventory", id.0, &before[id].audited_fields(), &after.audited_fields())
        });
        audit::record(connection, &differences.collect::<Vec<_>>()).await?;
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
        Ok((stock.into_keys().collect(), bad_rows))
    }
}

/// Returns `stock` with the numbers that a row has.
fn with_stock_of(row: &ImportRow, stock: &Stock) -> Stock {
    Stock {
        on_hand: row.on_hand.unwrap_or(stock.on_hand),
        low_stock_threshold: row.low_stock_threshold.unwrap_or(stock.low_stock_threshold),
        ..stock.clone()
    }
}

/// The products in the catalogue that rows of a file may change or conflict with.
struct Existing {
    by_sku: HashMap<String, Product>,
    stock: BTreeMap<ProductId, Stock>,
    /// SKUs by slug.
    slugs: HashMap<String, String>,
}

impl Existing {
    async fn read(connection: &mut Connection, rows: &[ImportRow]) -> Result<Self, Error> {
        let skus: Vec<_> = rows.iter().map(|row| &*row.fields.sku).collect();
        let slugs: Vec<_> = rows.iter().map(|row| &*row.fields.slug).collect();
        let products = db::find_products_by_sku(connection, &skus).await?;
        let ids: Vec<_> = products.iter().map(|product| product.id).collect();
        let by_sku = products.into_iter().map(|product| (product.fields.sku.clone(), product));
        Ok(Self {
            by_sku: by_sku.collect(),
            stock: inventory::find_stock(connection, &ids).await?,
            slugs: db::find_slugs(connection, &slugs).await?,
        })
    }

    /// Returns what makes the row impossible beside the existing products.
    fn find_conflict(&self, row: &ImportRow) -> Option<BadRow> {
        let ProductFields { sku, slug, .. } = &row.fields;
        let product = self.by_sku.get(sku);
        let held = product.and_then(|product| self.stock.get(&product.id)).map_or(0, |s| s.held);
        let error = match (self.slugs.get(slug), row.on_hand) {
            (Some(owner), _) if owner != sku => Error::SlugTaken { slug: slug.clone() },
            (_, Some(on_hand)) if on_hand < held => Error::StockHeld { on_hand, held },
            _ => return None,
        };
        Some(BadRow::new(row.line, error.to_string()))
    }
}
