//! SQL of orders and tombstones.
//!
//! **Invariant:** both are rows of `checkouts` under its one primary key, so never both
//! stand. All else reads the view `orders`, which has no tombstones.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, QueryDsl, QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Binary, Integer, Nullable, Text, Timestamptz, Uuid},
};
use diesel_async::RunQueryDsl;
use mesh_data::{database::Connection, prepared::prepared};

use crate::{
    checkout::NewOrder,
    lookup::{Cursor, OrderFilter, OrderOrder},
    order::{
        Actor, ActorRole, Address, Customer, CustomerId, Fingerprint, HistoryEntry, LineItem,
        MailChange, MailState, Order, OrderId, OrderState, ProductId,
    },
    schema::order_history,
};

/// A row of the view `orders`, as it is read.
#[derive(QueryableByName)]
struct OrderRow {
    #[diesel(sql_type = Uuid)]
    order_id: OrderId,
    #[diesel(sql_type = Text)]
    state: OrderState,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Binary)]
    fingerprint: Vec<u8>,
    #[diesel(sql_type = Uuid)]
    customer_id: CustomerId,
    #[diesel(sql_type = Text)]
    customer_email: String,
    #[diesel(sql_type = Text)]
    customer_name: String,
    #[diesel(sql_type = Text)]
    mail_state: MailState,
    #[diesel(sql_type = Array<Uuid>)]
    product_ids: Vec<ProductId>,
    #[diesel(sql_type = Array<Text>)]
    names: Vec<String>,
    #[diesel(sql_type = Array<Integer>)]
    quantities: Vec<i32>,
    #[diesel(sql_type = Array<BigInt>)]
    prices_minor: Vec<i64>,
    #[diesel(sql_type = BigInt)]
    total_minor: i64,
    #[diesel(sql_type = Text)]
    full_name: String,
    #[diesel(sql_type = Text)]
    street: String,
    #[diesel(sql_type = Text)]
    city: String,
    #[diesel(sql_type = Text)]
    postal_code: String,
    #[diesel(sql_type = Text)]
    country_code: String,
}

fn order(row: OrderRow, later_history: Vec<HistoryEntry>) -> Order {
    let mut fingerprint = [0; 32];
    let length = row.fingerprint.len().min(32);
    fingerprint[..length].copy_from_slice(&row.fingerprint[..length]);
    let lines = row.product_ids.into_iter().zip(row.names).zip(row.quantities);
    let items = lines.zip(row.prices_minor).map(|(((product_id, name), quantity), price_minor)| {
        LineItem { product_id, name, quantity, price_minor }
    });
    Order {
        id: row.order_id,
        state: row.state,
        mail_state: row.mail_state,
        fingerprint: Fingerprint(fingerprint),
        customer: Customer {
            id: row.customer_id,
            email: row.customer_email,
            name: row.customer_name,
        },
        items: items.collect(),
        total_minor: row.total_minor,
        shipping_address: Address {
            full_name: row.full_name,
            street: row.street,
            city: row.city,
            postal_code: row.postal_code,
            country_code: row.country_code,
        },
        created_at: row.created_at,
        later_history,
    }
}

/// Writes orders, in order of id, but for those under whose id an order or a tombstone
/// stands; tells of each that was written when it was created.
pub async fn insert_orders(
    connection: &mut Connection,
    new: &[&NewOrder],
) -> QueryResult<HashMap<OrderId, DateTime<Utc>>> {
    #[derive(QueryableByName)]
    struct Inserted {
        #[diesel(sql_type = Uuid)]
        order_id: OrderId,
        #[diesel(sql_type = Timestamptz)]
        created_at: DateTime<Utc>,
    }
    let column = |of: fn(&NewOrder) -> &str| new.iter().map(|new| of(new)).collect::<Vec<_>>();
    // PostgreSQL flattens arrays of arrays: the items of all orders are one array, and
    // each order has a slice of it.
    let items: Vec<&LineItem> = new.iter().flat_map(|new| &new.items).collect();
    let (mut firsts, mut lasts, mut last) = (Vec::new(), Vec::new(), 0);
    for new in new {
        firsts.push(last + 1);
        last += new.items.len() as i32;
        lasts.push(last);
    }
    let mail_states = new.iter().map(|new| Order::first_mail_state(&new.customer));
    let insert = sql_query(
        "INSERT INTO checkouts (order_id, state, request_id, fingerprint, customer_id, \
             customer_email, customer_name, mail_state, mail_version, product_ids, names, \
             quantities, prices_minor, total_minor, full_name, street, city, postal_code, \
             country_code) \
         SELECT new.order_id, 'CONFIRMED', new.request_id, new.fingerprint, new.customer_id, \
             new.customer_email, new.customer_name, new.mail_state, 0, $16[first:last], \
             $17[first:last], $18[first:last], $19[first:last], new.total_minor, \
             new.full_name, new.street, new.city, new.postal_code, new.country_code \
         FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
             AS new (order_id, request_id, fingerprint, customer_id, customer_email, \
                 customer_name, mail_state, total_minor, full_name, street, city, postal_code, \
                 country_code, first, last) \
         ORDER BY new.order_id \
         ON CONFLICT (order_id) DO NOTHING \
         RETURNING order_id, created_at",
    )
    .bind::<Array<Uuid>, _>(new.iter().map(|new| new.id).collect::<Vec<_>>())
    .bind::<Array<Uuid>, _>(new.iter().map(|new| new.request_id).collect::<Vec<_>>())
    .bind::<Array<Binary>, _>(new.iter().map(|new| &new.fingerprint.0[..]).collect::<Vec<_>>())
    .bind::<Array<Uuid>, _>(new.iter().map(|new| new.customer.id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(column(|new| &new.customer.email))
    .bind::<Array<Text>, _>(column(|new| &new.customer.name))
    .bind::<Array<Text>, _>(mail_states.collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(new.iter().map(|new| new.total_minor).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(column(|new| &new.shipping_address.full_name))
    .bind::<Array<Text>, _>(column(|new| &new.shipping_address.street))
    .bind::<Array<Text>, _>(column(|new| &new.shipping_address.city))
    .bind::<Array<Text>, _>(column(|new| &new.shipping_address.postal_code))
    .bind::<Array<Text>, _>(column(|new| &new.shipping_address.country_code))
    .bind::<Array<Integer>, _>(firsts)
    .bind::<Array<Integer>, _>(lasts)
    .bind::<Array<Uuid>, _>(items.iter().map(|item| item.product_id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(items.iter().map(|item| item.name.as_str()).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(items.iter().map(|item| item.quantity).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(items.iter().map(|item| item.price_minor).collect::<Vec<_>>());
    let inserted: Vec<Inserted> = prepared(insert).get_results(connection).await?;
    Ok(inserted.into_iter().map(|row| (row.order_id, row.created_at)).collect())
}

/// Writes tombstones, in order of id, but for ids under which something stands already.
pub async fn insert_tombstones(connection: &mut Connection, ids: &[OrderId]) -> QueryResult<()> {
    let insert = sql_query(
        "INSERT INTO checkouts (order_id, state) \
         SELECT order_id, 'ABANDONED' FROM unnest($1) AS new (order_id) ORDER BY order_id \
         ON CONFLICT (order_id) DO NOTHING",
    )
    .bind::<Array<Uuid>, _>(ids);
    prepared(insert).execute(connection).await.map(drop)
}

/// What stands under ids.
pub struct Standing {
    /// Those under which an order does.
    pub orders: HashSet<OrderId>,
    /// Those under which a tombstone does.
    pub tombstones: HashSet<OrderId>,
}

/// What stands under `ids`.
///
/// **Invariant:** a statement of its own. One that also inserts sees only what was there
/// when it began, and so not the row that kept it from inserting.
pub async fn find_standing(connection: &mut Connection, ids: &[OrderId]) -> QueryResult<Standing> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Uuid)]
        order_id: OrderId,
        #[diesel(sql_type = diesel::sql_types::Bool)]
        is_tombstone: bool,
    }
    let find = sql_query(
        "SELECT order_id, state = 'ABANDONED' AS is_tombstone FROM checkouts \
         WHERE order_id = ANY($1)",
    )
    .bind::<Array<Uuid>, _>(ids);
    let rows: Vec<Row> = prepared(find).get_results(connection).await?;
    let (tombstones, orders): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.is_tombstone);
    let ids = |rows: Vec<Row>| rows.into_iter().map(|row| row.order_id).collect();
    Ok(Standing { orders: ids(orders), tombstones: ids(tombstones) })
}

/// The order as it is.
pub async fn find_order(connection: &mut Connection, id: OrderId) -> QueryResult<Option<Order>> {
    Ok(find_orders(connection, &[id]).await?.pop())
}

/// Those of the orders that are there, as they are, in any order.
pub async fn find_orders(connection: &mut Connection, ids: &[OrderId]) -> QueryResult<Vec<Order>> {
    let find = sql_query("SELECT * FROM orders WHERE order_id = ANY($1)");
    let rows = prepared(find.bind::<Array<Uuid>, _>(ids)).get_results(connection).await?;
    with_history(connection, rows).await
}

/// The order as it is, so that nobody else changes it meanwhile.
pub async fn lock_order(connection: &mut Connection, id: OrderId) -> QueryResult<Option<Order>> {
    let lock = sql_query("SELECT * FROM orders WHERE order_id = $1 FOR NO KEY UPDATE");
    let rows = prepared(lock.bind::<Uuid, _>(id)).get_results(connection).await?;
    Ok(with_history(connection, rows).await?.pop())
}

/// Moves a confirmed order, whose row the caller has locked, on to a later state.
pub async fn update_state(
    connection: &mut Connection,
    id: OrderId,
    state: OrderState,
    actor: Actor,
) -> QueryResult<HistoryEntry> {
    let update =
        sql_query("UPDATE orders SET state = $2 WHERE order_id = $1 AND state = 'CONFIRMED'")
            .bind::<Uuid, _>(id)
            .bind::<Text, _>(state);
    prepared(update).execute(connection).await?;
    let at = diesel::insert_into(order_history::table)
        .values((
            order_history::order_id.eq(id),
            order_history::state.eq(state),
            order_history::actor_id.eq(actor.id),
            order_history::actor_role.eq(actor.role),
        ))
        .returning(order_history::created_at)
        .get_result(connection)
        .await?;
    Ok(HistoryEntry { state, actor, at })
}

/// A page of a customer's orders, newest first, from after `cursor` on.
pub async fn list_orders(
    connection: &mut Connection,
    customer: CustomerId,
    cursor: Option<&Cursor>,
    limit: i64,
) -> QueryResult<Vec<Order>> {
    let list = sql_query(
        "SELECT * FROM orders WHERE customer_id = $1 AND (created_at, order_id) \
             < (coalesce($2, 'infinity'), coalesce($3, 'ffffffff-ffff-ffff-ffff-ffffffffffff')) \
         ORDER BY created_at DESC, order_id DESC LIMIT $4",
    )
    .bind::<Uuid, _>(customer)
    .bind::<Nullable<Timestamptz>, _>(cursor.map(|cursor| cursor.created_at))
    .bind::<Nullable<Uuid>, _>(cursor.map(|cursor| cursor.id))
    .bind::<BigInt, _>(limit);
    let rows = prepared(list).get_results(connection).await?;
    with_history(connection, rows).await
}

/// A page of all orders that fit `filter`, from after `cursor` on: the first of the
/// pages of each state asked for, each read in the order of its index.
///
/// Planned anew each time: which index serves best depends on the values.
pub async fn list_all_orders(
    connection: &mut Connection,
    filter: &OrderFilter,
    cursor: Option<&Cursor>,
    limit: i64,
) -> QueryResult<Vec<Order>> {
    let (after, order) = match filter.order {
        OrderOrder::NewestFirst => {
            ("(created_at, order_id) < ($7, $9)", "created_at DESC, order_id DESC")
        }
        OrderOrder::OldestFirst => ("(created_at, order_id) > ($7, $9)", "created_at, order_id"),
        OrderOrder::DearestFirst => {
            ("(total_minor, order_id) < ($8, $9)", "total_minor DESC, order_id DESC")
        }
        OrderOrder::CheapestFirst => {
            ("(total_minor, order_id) > ($8, $9)", "total_minor, order_id")
        }
    };
    let conditions: String = [
        (filter.start.is_some(), "created_at >= $2"),
        (filter.end.is_some(), "created_at < $3"),
        (filter.customer_email.is_some(), "lower(customer_email) = lower($4)"),
        (filter.product_id.is_some(), "product_ids @> ARRAY[$5]"),
        (filter.total_min_minor.is_some(), "total_minor >= $6"),
        (cursor.is_some(), after),
    ]
    .iter()
    .filter(|(is_set, _)| *is_set)
    .map(|(_, condition)| format!(" AND {condition}"))
    .collect();
    let rows: Vec<OrderRow> = sql_query(format!(
        "SELECT page.* FROM unnest($1) AS wanted CROSS JOIN LATERAL \
         (SELECT * FROM orders WHERE state = wanted{conditions} ORDER BY {order} LIMIT $10) AS page \
         ORDER BY {order} LIMIT $10"
    ))
    .bind::<Array<Text>, _>(&filter.states)
    .bind::<Nullable<Timestamptz>, _>(filter.start)
    .bind::<Nullable<Timestamptz>, _>(filter.end)
    .bind::<Nullable<Text>, _>(&filter.customer_email)
    .bind::<Nullable<Uuid>, _>(filter.product_id)
    .bind::<Nullable<BigInt>, _>(filter.total_min_minor)
    .bind::<Nullable<Timestamptz>, _>(cursor.map(|cursor| cursor.created_at))
    .bind::<Nullable<BigInt>, _>(cursor.map(|cursor| cursor.total_minor))
    .bind::<Nullable<Uuid>, _>(cursor.map(|cursor| cursor.id))
    .bind::<BigInt, _>(limit)
    .get_results(connection)
    .await?;
    with_history(connection, rows).await
}

/// Adds to orders what came after their birth; those that are still confirmed have
/// nothing to add.
async fn with_history(connection: &mut Connection, rows: Vec<OrderRow>) -> QueryResult<Vec<Order>> {
    let moved = rows.iter().filter(|row| row.state != OrderState::Confirmed);
    let moved: Vec<OrderId> = moved.map(|row| row.order_id).collect();
    let mut history: HashMap<OrderId, Vec<HistoryEntry>> = HashMap::new();
    if !moved.is_empty() {
        let entries: Vec<(OrderId, OrderState, CustomerId, ActorRole, DateTime<Utc>)> =
            order_history::table
                .filter(order_history::order_id.eq_any(&moved))
                .order(order_history::created_at)
                .select(order_history::all_columns)
                .load(connection)
                .await?;
        for (order_id, state, id, role, at) in entries {
            let entry = HistoryEntry { state, actor: Actor { id, role }, at };
            history.entry(order_id).or_default().push(entry);
        }
    }
    let orders = rows.into_iter().map(|row| {
        let later = history.remove(&row.order_id).unwrap_or_default();
        order(row, later)
    });
    Ok(orders.collect())
}

/// Writes what became of confirmation mails, where that is newer than what is known.
/// Each order is in `changes` once.
pub async fn update_mail_states(
    connection: &mut Connection,
    changes: &[MailChange],
) -> QueryResult<()> {
    let update = sql_query(
        "WITH locked AS ( \
             SELECT order_id FROM orders WHERE order_id = ANY($1) \
             ORDER BY order_id FOR NO KEY UPDATE) \
         UPDATE orders SET mail_state = new.mail_state, mail_version = new.version \
         FROM unnest($1, $2, $3) AS new (order_id, mail_state, version) JOIN locked USING (order_id) \
         WHERE orders.order_id = new.order_id AND orders.mail_version < new.version",
    )
    .bind::<Array<Uuid>, _>(changes.iter().map(|change| change.order_id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(changes.iter().map(|change| change.mail_state).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(changes.iter().map(|change| change.version).collect::<Vec<_>>());
    prepared(update).execute(connection).await.map(drop)
}
