//! SQL of stock and its ledger.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, QueryResult,
    dsl::sql,
    pg::Pg,
    sql_query, sql_types,
    sql_types::{Array, Integer, Nullable, SmallInt, Text},
};
use diesel_async::RunQueryDsl;
use mesh_data::{database::Connection, prepared::prepared};
use uuid::Uuid;

use crate::{
    inventory::{Change, Inventory, NewChange, Stock},
    product::ProductId,
    schema::{inventory, inventory_changes, inventory_requests, products},
    stock::{ChangeCursor, InventoryCursor},
};

type Row = (ProductId, String, String, i32, i32, i32, i64, DateTime<Utc>);

fn row_to_inventory(row: Row) -> Inventory {
    let (product_id, product_name, sku, on_hand, held, low_stock_threshold, version, updated_at) =
        row;
    let stock = Stock { on_hand, held, low_stock_threshold, version };
    Inventory { product_id, product_name, sku, stock, updated_at }
}

macro_rules! inventory_query {
    () => {
        inventory::table
            .inner_join(products::table.on(products::id.eq(inventory::product_id)))
            .select((
                products::id,
                products::name,
                products::sku,
                inventory::on_hand,
                inventory::held,
                inventory::low_stock_threshold,
                inventory::version,
                inventory::updated_at,
            ))
    };
}

/// The stock of one product.
pub async fn find_inventory(
    connection: &mut Connection,
    id: ProductId,
) -> QueryResult<Option<Inventory>> {
    let query = inventory_query!().filter(products::id.eq(id));
    query.first::<Row>(connection).await.optional().map(|row| row.map(row_to_inventory))
}

/// A page of the stock of all products by name, from after `cursor` on.
pub async fn list_inventory(
    connection: &mut Connection,
    tsquery: Option<&str>,
    low_stock_only: bool,
    cursor: Option<&InventoryCursor>,
    limit: i64,
) -> QueryResult<Vec<Inventory>> {
    let mut query = inventory_query!().into_boxed::<Pg>();
    if let Some(tsquery) = tsquery {
        let matches = sql::<sql_types::Bool>("products.search @@ to_tsquery('simple', ")
            .bind::<sql_types::Text, _>(tsquery.to_owned())
            .sql(")");
        query = query.filter(matches);
    }
    if low_stock_only {
        let available = inventory::on_hand - inventory::held;
        query = query.filter(available.le(inventory::low_stock_threshold));
    }
    if let Some(InventoryCursor { name, product_id }) = cursor {
        let name = name.to_lowercase();
        query = query.filter(after!("sort_name", ">", Text, name, *product_id));
    }
    let rows: Vec<Row> =
        query.order((products::sort_name, products::id)).limit(limit).load(connection).await?;
    Ok(rows.into_iter().map(row_to_inventory).collect())
}

/// Locks the stock of `ids`, in order of id, and tells it.
pub async fn lock_stock(
    connection: &mut Connection,
    ids: &[ProductId],
) -> QueryResult<BTreeMap<ProductId, Stock>> {
    let rows: Vec<(ProductId, i32, i32, i32, i64)> = inventory::table
        .filter(inventory::product_id.eq_any(ids))
        .order(inventory::product_id)
        .select((
            inventory::product_id,
            inventory::on_hand,
            inventory::held,
            inventory::low_stock_threshold,
            inventory::version,
        ))
        .for_no_key_update()
        .load(connection)
        .await?;
    let stock = rows.into_iter().map(|(id, on_hand, held, low_stock_threshold, version)| {
        (id, Stock { on_hand, held, low_stock_threshold, version })
    });
    Ok(stock.collect())
}

/// Writes stock that [`lock_stock`] has locked. Where `on_hand` changed it grows the
/// version.
pub async fn update_stock(
    connection: &mut Connection,
    stock: &BTreeMap<ProductId, Stock>,
) -> QueryResult<()> {
    let ids: Vec<_> = stock.keys().copied().collect();
    let column = |of: fn(&Stock) -> i32| stock.values().map(of).collect::<Vec<_>>();
    let update = sql_query(
        "UPDATE inventory SET on_hand = new.on_hand, held = new.held, \
         low_stock_threshold = new.threshold, version = version + new.changed::int, \
         updated_at = CASE WHEN new.changed THEN now() ELSE updated_at END \
         FROM (SELECT n.*, (i.on_hand, i.low_stock_threshold) <> (n.on_hand, n.threshold) \
               FROM unnest($1, $2, $3, $4) AS n (product_id, on_hand, held, threshold) \
               JOIN inventory i USING (product_id)) AS new \
              (product_id, on_hand, held, threshold, changed) \
         WHERE inventory.product_id = new.product_id",
    )
    .bind::<Array<sql_types::Uuid>, _>(ids)
    .bind::<Array<Integer>, _>(column(|stock| stock.on_hand))
    .bind::<Array<Integer>, _>(column(|stock| stock.held))
    .bind::<Array<Integer>, _>(column(|stock| stock.low_stock_threshold));
    prepared(update).execute(connection).await.map(drop)
}

/// Adds to the ledger.
pub async fn insert_changes(connection: &mut Connection, changes: &[NewChange]) -> QueryResult<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let insert = sql_query(
        "INSERT INTO inventory_changes \
         (id, product_id, delta, on_hand_after, reason, note, actor_id, order_id) \
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind::<Array<sql_types::Uuid>, _>(changes.iter().map(|_| Uuid::now_v7()).collect::<Vec<_>>())
    .bind::<Array<sql_types::Uuid>, _>(changes.iter().map(|c| c.product_id).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(changes.iter().map(|c| c.delta).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(changes.iter().map(|c| c.on_hand_after).collect::<Vec<_>>())
    .bind::<Array<SmallInt>, _>(changes.iter().map(|c| c.reason as i16).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(changes.iter().map(|c| &*c.note).collect::<Vec<_>>())
    .bind::<Array<Nullable<sql_types::Uuid>>, _>(
        changes.iter().map(|c| c.actor_id).collect::<Vec<_>>(),
    )
    .bind::<Array<Nullable<sql_types::Uuid>>, _>(
        changes.iter().map(|c| c.order_id).collect::<Vec<_>>(),
    );
    prepared(insert).execute(connection).await.map(drop)
}

/// Notes that a request was made; false with its fingerprint where it was before.
pub async fn insert_request(
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

type ChangeTuple = (
    Uuid,
    ProductId,
    i32,
    i32,
    i16,
    String,
    Option<Uuid>,
    Option<crate::reservation::OrderId>,
    DateTime<Utc>,
);

/// A page of the ledger of one product, newest first.
pub async fn list_changes(
    connection: &mut Connection,
    id: ProductId,
    cursor: Option<&ChangeCursor>,
    limit: i64,
) -> QueryResult<Vec<Change>> {
    let mut query = inventory_changes::table
        .filter(inventory_changes::product_id.eq(id))
        .order(inventory_changes::id.desc())
        .limit(limit)
        .into_boxed::<Pg>();
    if let Some(ChangeCursor { change_id }) = cursor {
        query = query.filter(inventory_changes::id.lt(change_id));
    }
    let rows: Vec<ChangeTuple> = query.load(connection).await?;
    let changes = rows.into_iter().map(
        |(id, product_id, delta, on_hand_after, reason, note, actor_id, order_id, created_at)| {
            Change {
                id,
                product_id,
                delta,
                on_hand_after,
                reason,
                note,
                actor_id,
                order_id,
                created_at,
            }
        },
    );
    Ok(changes.collect())
}
