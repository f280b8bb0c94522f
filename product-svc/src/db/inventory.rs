//! SQL of stock and its ledger.

use std::{collections::BTreeMap, io::Write};

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, QueryResult, Queryable, Selectable,
    SelectableHelper,
    deserialize::{self, FromSql},
    pg::{Pg, PgValue},
    serialize::{self, IsNull, Output, ToSql},
    sql_types::{BigInt, Integer, Nullable, SmallInt, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use mesh_data::{
    database::Connection,
    sql::{Rows, sql},
};
use uuid::Uuid;

use crate::{
    db::{after, before, has_words},
    inventory::{
        ChangeReason, Inventory, InventoryCursor, InventoryFilter, LedgerCursor, LedgerEntry,
        NewLedgerEntry, OrderId, Stock,
    },
    product::ProductId,
    schema::{inventory, inventory_changes, inventory_requests, products},
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = inventory, check_for_backend(Pg))]
struct StockRow {
    on_hand: i32,
    held: i32,
    low_stock_threshold: i32,
    version: i64,
}

impl From<StockRow> for Stock {
    fn from(row: StockRow) -> Self {
        let StockRow { on_hand, held, low_stock_threshold, version } = row;
        Self { on_hand, held, low_stock_threshold, version }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = inventory, check_for_backend(Pg))]
struct InventoryRow {
    product_id: ProductId,
    #[diesel(select_expression = products::name)]
    product_name: String,
    #[diesel(select_expression = products::sku)]
    sku: String,
    #[diesel(select_expression = products::name_key)]
    name_key: String,
    #[diesel(embed)]
    stock: StockRow,
    updated_at: DateTime<Utc>,
}

impl From<InventoryRow> for Inventory {
    fn from(row: InventoryRow) -> Self {
        Self {
            product_id: row.product_id,
            product_name: row.product_name,
            sku: row.sku,
            name_key: row.name_key,
            stock: row.stock.into(),
            updated_at: row.updated_at,
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = inventory_changes, check_for_backend(Pg))]
struct LedgerRow {
    id: Uuid,
    product_id: ProductId,
    delta: i32,
    on_hand_after: i32,
    reason: ChangeReason,
    note: String,
    actor_id: Option<Uuid>,
    order_id: Option<OrderId>,
    created_at: DateTime<Utc>,
    version: i64,
}

impl From<LedgerRow> for LedgerEntry {
    fn from(row: LedgerRow) -> Self {
        Self {
            id: row.id,
            product_id: row.product_id,
            delta: row.delta,
            on_hand_after: row.on_hand_after,
            reason: row.reason,
            note: row.note,
            actor_id: row.actor_id,
            order_id: row.order_id,
            created_at: row.created_at,
            version: row.version,
        }
    }
}

/// Returns the stock of a product.
pub(crate) async fn find_inventory(
    connection: &mut Connection,
    id: ProductId,
) -> QueryResult<Option<Inventory>> {
    inventory::table
        .inner_join(products::table.on(products::id.eq(inventory::product_id)))
        .filter(products::id.eq(id))
        .select(InventoryRow::as_select())
        .first(connection)
        .await
        .optional()
        .map(|row| row.map(Inventory::from))
}

/// Returns up to `limit` products after `cursor`, sorted by name. `tsquery` is that of the filter.
pub(crate) async fn list_inventory(
    connection: &mut Connection,
    filter: &InventoryFilter,
    tsquery: Option<String>,
    cursor: Option<&InventoryCursor>,
    limit: i64,
) -> QueryResult<Vec<Inventory>> {
    let mut query = inventory::table
        .inner_join(products::table.on(products::id.eq(inventory::product_id)))
        .select(InventoryRow::as_select())
        .order((products::name_key, products::id))
        .limit(limit)
        .into_boxed::<Pg>();
    if let Some(tsquery) = tsquery {
        query = query.filter(has_words(tsquery));
    }
    if filter.low_stock_only {
        query = query.filter(inventory::is_low);
    }
    if let Some(InventoryCursor { name_key, product_id }) = cursor {
        let columns = (products::name_key, products::id);
        let key = (name_key.clone(), *product_id);
        query = query.filter(after::<(Text, SqlUuid), _, _>(columns, key));
    }
    let rows = query.load(connection).await?;
    Ok(rows.into_iter().map(Inventory::from).collect())
}

/// Returns the stock of `ids`, which others may change at any time.
pub(crate) async fn find_stock(
    connection: &mut Connection,
    ids: &[ProductId],
) -> QueryResult<BTreeMap<ProductId, Stock>> {
    let rows: Vec<(ProductId, StockRow)> = inventory::table
        .filter(inventory::product_id.eq_any(ids))
        .select((inventory::product_id, StockRow::as_select()))
        .load(connection)
        .await?;
    Ok(rows.into_iter().map(|(id, stock)| (id, stock.into())).collect())
}

/// Locks the stock of `ids` in order of id, and returns it.
pub(crate) async fn lock_stock(
    connection: &mut Connection,
    ids: &[ProductId],
) -> QueryResult<BTreeMap<ProductId, Stock>> {
    let rows: Vec<(ProductId, StockRow)> = inventory::table
        .filter(inventory::product_id.eq_any(ids))
        .order(inventory::product_id)
        .select((inventory::product_id, StockRow::as_select()))
        .for_no_key_update()
        .load(connection)
        .await?;
    Ok(rows.into_iter().map(|(id, stock)| (id, stock.into())).collect())
}

/// Updates stock that [`lock_stock`] has locked. The version grows if `on_hand` or the threshold
/// changes.
pub(crate) async fn update_stock(
    connection: &mut Connection,
    stock: &BTreeMap<ProductId, Stock>,
) -> QueryResult<()> {
    if stock.is_empty() {
        return Ok(());
    }
    let stock: Vec<_> = stock.iter().collect();
    let rows = Rows::of(&stock)
        .column::<SqlUuid, _>("product_id", |(id, _)| **id)
        .column::<Integer, _>("on_hand", |(_, stock)| stock.on_hand)
        .column::<Integer, _>("held", |(_, stock)| stock.held)
        .column::<Integer, _>("threshold", |(_, stock)| stock.low_stock_threshold);
    let update = sql("UPDATE inventory SET on_hand = new.on_hand, held = new.held, \
         low_stock_threshold = new.threshold, version = version + new.changed::int, \
         updated_at = CASE WHEN new.changed THEN now() ELSE updated_at END \
         FROM (SELECT n.*, \
                      (i.on_hand, i.low_stock_threshold) <> (n.on_hand, n.threshold) AS changed \
               FROM {n} JOIN inventory i USING (product_id)) AS new \
         WHERE inventory.product_id = new.product_id");
    update.rows("n", rows).execute(connection).await.map(drop)
}

/// Adds to the ledger.
pub(crate) async fn insert_ledger_entries(
    connection: &mut Connection,
    entries: &[NewLedgerEntry],
) -> QueryResult<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let insert = Rows::of(entries)
        .column::<SqlUuid, _>("id", |_| Uuid::now_v7())
        .column::<SqlUuid, _>("product_id", |entry| entry.product_id)
        .column::<Integer, _>("delta", |entry| entry.delta)
        .column::<Integer, _>("on_hand_after", |entry| entry.on_hand_after)
        .column::<SmallInt, _>("reason", |entry| entry.reason)
        .column::<Text, _>("note", |entry| &*entry.note)
        .column::<Nullable<SqlUuid>, _>("actor_id", |entry| entry.actor_id)
        .column::<Nullable<SqlUuid>, _>("order_id", |entry| entry.order_id)
        .insert_into("inventory_changes");
    insert.execute(connection).await.map(drop)
}

/// Inserts an idempotency key. Returns the existing fingerprint if the key was used before.
pub(crate) async fn insert_request(
    connection: &mut Connection,
    actor_id: Uuid,
    request_id: Uuid,
    fingerprint: &[u8],
) -> QueryResult<Option<Vec<u8>>> {
    let inserted = diesel::insert_into(inventory_requests::table)
        .values((
            inventory_requests::actor_id.eq(actor_id),
            inventory_requests::request_id.eq(request_id),
            inventory_requests::fingerprint.eq(fingerprint),
        ))
        .on_conflict_do_nothing()
        .execute(connection)
        .await?;
    if inserted == 1 {
        return Ok(None);
    }
    inventory_requests::table
        .find((actor_id, request_id))
        .select(inventory_requests::fingerprint)
        .first(connection)
        .await
        .map(Some)
}

/// Returns up to `limit` ledger entries of a product after `cursor`, newest first.
pub(crate) async fn list_ledger_entries(
    connection: &mut Connection,
    id: ProductId,
    cursor: Option<&LedgerCursor>,
    limit: i64,
) -> QueryResult<Vec<LedgerEntry>> {
    let mut query = inventory_changes::table
        .filter(inventory_changes::product_id.eq(id))
        .order((inventory_changes::version.desc(), inventory_changes::id.desc()))
        .limit(limit)
        .select(LedgerRow::as_select())
        .into_boxed::<Pg>();
    if let Some(LedgerCursor { version, id }) = cursor {
        let columns = (inventory_changes::version, inventory_changes::id);
        query = query.filter(before::<(BigInt, SqlUuid), _, _>(columns, (*version, *id)));
    }
    let rows = query.load(connection).await?;
    Ok(rows.into_iter().map(LedgerEntry::from).collect())
}

/// Returns the number that the column `reason` stores. It is the number of `InventoryChangeReason`
/// in the contract, where numbers never change; the rows do not depend on the order of our enum.
fn reason_number(reason: ChangeReason) -> i16 {
    match reason {
        ChangeReason::Received => 1,
        ChangeReason::Counted => 2,
        ChangeReason::Damaged => 3,
        ChangeReason::Lost => 4,
        ChangeReason::CustomerReturn => 5,
        ChangeReason::Other => 6,
        ChangeReason::OrderPlaced => 7,
        ChangeReason::OrderCancelled => 8,
        ChangeReason::Imported => 9,
    }
}

/// Returns the reason of a stored number, as in [`reason_number`].
fn reason_from_number(number: i16) -> Option<ChangeReason> {
    match number {
        1 => Some(ChangeReason::Received),
        2 => Some(ChangeReason::Counted),
        3 => Some(ChangeReason::Damaged),
        4 => Some(ChangeReason::Lost),
        5 => Some(ChangeReason::CustomerReturn),
        6 => Some(ChangeReason::Other),
        7 => Some(ChangeReason::OrderPlaced),
        8 => Some(ChangeReason::OrderCancelled),
        9 => Some(ChangeReason::Imported),
        _ => None,
    }
}

impl ToSql<SmallInt, Pg> for ChangeReason {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&reason_number(*self).to_be_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<SmallInt, Pg> for ChangeReason {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let number = <i16 as FromSql<SmallInt, Pg>>::from_sql(value)?;
        reason_from_number(number).ok_or_else(|| format!("{number} is no ChangeReason").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::product::v1::InventoryChangeReason;

    #[test]
    fn stored_reasons_are_the_numbers_of_the_contract() {
        for number in 1..=9_i16 {
            let reason = reason_from_number(number).expect("it is a reason");
            assert_eq!(reason_number(reason), number);
            let name = InventoryChangeReason::try_from(i32::from(number)).expect("it is known");
            assert_eq!(format!("{name:?}"), format!("{reason:?}"));
        }
        assert!(InventoryChangeReason::try_from(10).is_err() && reason_from_number(10).is_none());
    }
}
