//! SQL of orders and tombstones.
//!
//! **Invariant:** both are rows of `checkouts` under its one primary key, so an id never has
//! both. Everything else reads the view `orders`, which has no tombstones.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, IntoSql, OptionalExtension, PgArrayExpressionMethods, QueryDsl, QueryResult,
    Queryable, QueryableByName, Selectable, SelectableHelper,
    dsl::sql as expression,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{Array, BigInt, Binary, Bool, Integer, Record, Text, Timestamptz, Uuid},
};
use diesel_async::RunQueryDsl;
use mesh_data::{
    database::Connection,
    sql::{Rows, sql},
};

use crate::{
    order::{
        Actor, ActorRole, Address, Customer, CustomerId, Fingerprint, HistoryEntry, LineItem,
        MailChange, MailState, NewOrder, Order, OrderId, OrderState, ProductId,
        filter::{Cursor, OrderFilter, OrderSort},
    },
    schema::{checkouts, order_history, orders},
};

/// State of a row of `checkouts` that is no order.
const TOMBSTONE: &str = "ABANDONED";

#[derive(Queryable, Selectable)]
#[diesel(table_name = orders, check_for_backend(Pg))]
struct OrderRow {
    order_id: OrderId,
    state: OrderState,
    created_at: DateTime<Utc>,
    fingerprint: Vec<u8>,
    customer_id: CustomerId,
    customer_email: String,
    customer_name: String,
    mail_state: MailState,
    product_ids: Vec<ProductId>,
    names: Vec<String>,
    quantities: Vec<i32>,
    prices_minor: Vec<i64>,
    total_minor: i64,
    full_name: String,
    street: String,
    city: String,
    postal_code: String,
    country_code: String,
    customer_email_verified: Option<bool>,
}

fn order(row: OrderRow, later_history: Vec<HistoryEntry>) -> Order {
    let mut fingerprint = [0; 32];
    let length = row.fingerprint.len().min(32);
    fingerprint[..length].copy_from_slice(&row.fingerprint[..length]);
    let items = row.product_ids.into_iter().zip(row.names).zip(row.quantities);
    let items = items.zip(row.prices_minor).map(|(((product_id, name), quantity), price_minor)| {
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
            email_verified: row.customer_email_verified.unwrap_or(false),
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

/// Inserts orders, in order of id, except those whose id has an order or a tombstone.
/// Returns when each inserted one was created.
pub(crate) async fn insert_orders(
    connection: &mut Connection,
    new: &[&NewOrder],
) -> QueryResult<HashMap<OrderId, DateTime<Utc>>> {
    #[derive(QueryableByName)]
    #[diesel(table_name = checkouts, check_for_backend(Pg))]
    struct Inserted {
        order_id: OrderId,
        created_at: DateTime<Utc>,
    }
    let rows = Rows::of(new)
        .column::<Uuid, _>("order_id", |new| new.id)
        .column::<Text, _>("state", |_| OrderState::Confirmed)
        .column::<Uuid, _>("request_id", |new| new.request_id)
        .column::<Binary, _>("fingerprint", |new| &new.fingerprint.0[..])
        .column::<Uuid, _>("customer_id", |new| new.customer.id)
        .column::<Text, _>("customer_email", |new| &*new.customer.email)
        .column::<Text, _>("customer_name", |new| &*new.customer.name)
        .column::<Text, _>("mail_state", |new| new.customer.initial_mail_state())
        .column::<BigInt, _>("mail_version", |_| 0_i64)
        .column::<BigInt, _>("total_minor", |new| new.total_minor)
        .column::<Text, _>("full_name", |new| &*new.request.shipping_address.full_name)
        .column::<Text, _>("street", |new| &*new.request.shipping_address.street)
        .column::<Text, _>("city", |new| &*new.request.shipping_address.city)
        .column::<Text, _>("postal_code", |new| &*new.request.shipping_address.postal_code)
        .column::<Text, _>("country_code", |new| &*new.request.shipping_address.country_code)
        .column::<Bool, _>("customer_email_verified", |new| new.customer.email_verified)
        .lists(
            |new| &new.items[..],
            |items| {
                items
                    .column::<Uuid, _>("product_ids", |item| item.product_id)
                    .column::<Text, _>("names", |item| &*item.name)
                    .column::<Integer, _>("quantities", |item| item.quantity)
                    .column::<BigInt, _>("prices_minor", |item| item.price_minor)
            },
        );
    let insert = sql("INSERT INTO checkouts ({new.columns}) SELECT * FROM {new} \
         ORDER BY order_id ON CONFLICT (order_id) DO NOTHING RETURNING order_id, created_at")
    .rows("new", rows);
    let inserted: Vec<Inserted> = insert.get_results(connection).await?;
    Ok(inserted.into_iter().map(|row| (row.order_id, row.created_at)).collect())
}

/// Inserts tombstones, in order of id, except for ids that have an order or a tombstone.
pub(crate) async fn insert_tombstones(
    connection: &mut Connection,
    ids: &[OrderId],
) -> QueryResult<()> {
    let rows = Rows::of(ids)
        .column::<Uuid, _>("order_id", |id| *id)
        .column::<Text, _>("state", |_| TOMBSTONE);
    let insert = sql("INSERT INTO checkouts ({new.columns}) SELECT * FROM {new} \
         ORDER BY order_id ON CONFLICT (order_id) DO NOTHING")
    .rows("new", rows);
    insert.execute(connection).await.map(drop)
}

/// The ids of existing checkouts.
pub(crate) struct ExistingCheckouts {
    pub(crate) orders: HashSet<OrderId>,
    pub(crate) tombstones: HashSet<OrderId>,
}

impl ExistingCheckouts {
    pub(crate) fn contains(&self, id: &OrderId) -> bool {
        self.orders.contains(id) || self.tombstones.contains(id)
    }
}

/// Returns which of `ids` have an order, and which have a tombstone.
///
/// **Invariant:** this is a statement of its own. One that also inserts sees only the rows
/// that existed when it began, and so not the row that made it skip an id.
pub(crate) async fn find_existing(
    connection: &mut Connection,
    ids: &[OrderId],
) -> QueryResult<ExistingCheckouts> {
    let rows: Vec<(OrderId, bool)> = checkouts::table
        .filter(checkouts::order_id.eq_any(ids))
        .select((checkouts::order_id, checkouts::state.eq(TOMBSTONE)))
        .load(connection)
        .await?;
    let (tombstones, orders): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|(_, is_tombstone)| *is_tombstone);
    let ids = |rows: Vec<(OrderId, bool)>| rows.into_iter().map(|(id, _)| id).collect();
    Ok(ExistingCheckouts { orders: ids(orders), tombstones: ids(tombstones) })
}

pub(crate) async fn find_order(
    connection: &mut Connection,
    id: OrderId,
) -> QueryResult<Option<Order>> {
    Ok(find_orders(connection, &[id]).await?.pop())
}

/// Returns those of the orders that exist, in any order.
pub(crate) async fn find_orders(
    connection: &mut Connection,
    ids: &[OrderId],
) -> QueryResult<Vec<Order>> {
    let rows = orders::table
        .filter(orders::order_id.eq_any(ids))
        .select(OrderRow::as_select())
        .load(connection)
        .await?;
    with_history(connection, rows).await
}

/// Returns the order, and locks it until the transaction ends.
pub(crate) async fn lock_order(
    connection: &mut Connection,
    id: OrderId,
) -> QueryResult<Option<Order>> {
    let row = orders::table
        .filter(orders::order_id.eq(id))
        .select(OrderRow::as_select())
        .for_no_key_update()
        .first(connection)
        .await
        .optional()?;
    Ok(with_history(connection, row.into_iter().collect()).await?.pop())
}

/// Writes the state transition of a confirmed order that the caller has locked.
pub(crate) async fn update_state(
    connection: &mut Connection,
    id: OrderId,
    state: OrderState,
    actor: Actor,
) -> QueryResult<HistoryEntry> {
    let confirmed = orders::table
        .filter(orders::order_id.eq(id))
        .filter(orders::state.eq(OrderState::Confirmed));
    diesel::update(confirmed).set(orders::state.eq(state)).execute(connection).await?;
    let at = diesel::insert_into(order_history::table)
        .values((
            order_history::order_id.eq(id),
            order_history::state.eq(state),
            order_history::actor_id.eq(actor.id()),
            order_history::actor_role.eq(actor.role()),
        ))
        .returning(order_history::created_at)
        .get_result(connection)
        .await?;
    Ok(HistoryEntry { state, actor, at })
}

/// Returns up to `limit` of a customer's orders after `cursor`, newest first.
pub(crate) async fn list_orders(
    connection: &mut Connection,
    customer: CustomerId,
    cursor: Option<&Cursor>,
    limit: i64,
) -> QueryResult<Vec<Order>> {
    let mut query = orders::table
        .filter(orders::customer_id.eq(customer))
        .order((orders::created_at.desc(), orders::order_id.desc()))
        .limit(limit)
        .select(OrderRow::as_select())
        .into_boxed::<Pg>();
    if let Some(cursor) = cursor {
        let key = (orders::created_at, orders::order_id);
        query = query.filter(
            key.into_sql::<Record<(Timestamptz, Uuid)>>().lt((cursor.created_at, cursor.id)),
        );
    }
    let rows = query.load(connection).await?;
    with_history(connection, rows).await
}

/// Returns up to `limit` orders that match `filter` after `cursor`.
pub(crate) async fn list_all_orders(
    connection: &mut Connection,
    filter: &OrderFilter,
    cursor: Option<&Cursor>,
    limit: i64,
) -> QueryResult<Vec<Order>> {
    let mut page = orders::table
        .filter(orders::state.eq(expression::<Text>("requested.state")))
        .limit(limit)
        .select(OrderRow::as_select())
        .into_boxed::<Pg>();
    if let Some(start) = filter.start {
        page = page.filter(orders::created_at.ge(start));
    }
    if let Some(end) = filter.end {
        page = page.filter(orders::created_at.lt(end));
    }
    if let Some(email) = &filter.customer_email {
        page = page.filter(lower(orders::customer_email).eq(lower(email)));
    }
    if let Some(product_id) = filter.product_id {
        page = page.filter(orders::product_ids.contains(vec![product_id]));
    }
    if let Some(min) = filter.total_min_minor {
        page = page.filter(orders::total_minor.ge(min));
    }
    let (created_at, total, id) = (orders::created_at, orders::total_minor, orders::order_id);
    let order_by;
    (page, order_by) = match filter.sort {
        OrderSort::CreateTime => (page.order((created_at, id)), "created_at, order_id"),
        OrderSort::CreateTimeDescending => {
            (page.order((created_at.desc(), id.desc())), "created_at DESC, order_id DESC")
        }
        OrderSort::Total => (page.order((total, id)), "total_minor, order_id"),
        OrderSort::TotalDescending => {
            (page.order((total.desc(), id.desc())), "total_minor DESC, order_id DESC")
        }
    };
    if let Some(cursor) = cursor {
        let by_time = (created_at, id).into_sql::<Record<(Timestamptz, Uuid)>>();
        let by_total = (total, id).into_sql::<Record<(BigInt, Uuid)>>();
        page = match filter.sort {
            OrderSort::CreateTime => page.filter(by_time.gt((cursor.created_at, cursor.id))),
            OrderSort::CreateTimeDescending => {
                page.filter(by_time.lt((cursor.created_at, cursor.id)))
            }
            OrderSort::Total => page.filter(by_total.gt((cursor.total_minor, cursor.id))),
            OrderSort::TotalDescending => page.filter(by_total.lt((cursor.total_minor, cursor.id))),
        };
    }
    let merged = MergedPages { states: &filter.states, page, order_by, limit };
    let rows: Vec<OrderRow> = merged.get_results(connection).await?;
    with_history(connection, rows).await
}

diesel::define_sql_function!(fn lower(text: Text) -> Text);

/// Merges the first page of each state, so that each is read in the order of an index that
/// begins with the state. `page` is the query of the page of `requested.state`.
struct MergedPages<'a, Q> {
    states: &'a [OrderState],
    page: Q,
    order_by: &'static str,
    limit: i64,
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for MergedPages<'_, Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // Planned each time: the best index depends on the values.
        out.unsafe_to_cache_prepared();
        out.push_sql("SELECT page.* FROM unnest(");
        out.push_bind_param::<Array<Text>, _>(&self.states)?;
        out.push_sql(") AS requested (state) CROSS JOIN LATERAL (");
        self.page.walk_ast(out.reborrow())?;
        out.push_sql(") AS page ORDER BY ");
        out.push_sql(self.order_by);
        out.push_sql(" LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}

impl<Q> QueryId for MergedPages<'_, Q> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for MergedPages<'_, Q> {
    type SqlType = Q::SqlType;
}

/// Adds the state transitions of orders. A confirmed order has none.
async fn with_history(connection: &mut Connection, rows: Vec<OrderRow>) -> QueryResult<Vec<Order>> {
    let final_ids: Vec<OrderId> = (rows.iter())
        .filter(|row| row.state != OrderState::Confirmed)
        .map(|row| row.order_id)
        .collect();
    let mut history: HashMap<OrderId, Vec<HistoryEntry>> = HashMap::new();
    if !final_ids.is_empty() {
        let entries: Vec<(OrderId, OrderState, uuid::Uuid, ActorRole, DateTime<Utc>)> =
            order_history::table
                .filter(order_history::order_id.eq_any(&final_ids))
                .order(order_history::created_at)
                .select(order_history::all_columns)
                .load(connection)
                .await?;
        for (order_id, state, actor_id, role, at) in entries {
            let entry = HistoryEntry { state, actor: Actor::new(role, actor_id), at };
            history.entry(order_id).or_default().push(entry);
        }
    }
    let orders = rows.into_iter().map(|row| {
        let later = history.remove(&row.order_id).unwrap_or_default();
        order(row, later)
    });
    Ok(orders.collect())
}

/// Writes the delivery states of confirmation mails that are newer than the stored ones.
/// `changes` has each order once.
pub(crate) async fn update_mail_states(
    connection: &mut Connection,
    changes: &[MailChange],
) -> QueryResult<()> {
    let ids: Vec<OrderId> = changes.iter().map(|change| change.order_id).collect();
    let rows = Rows::of(changes)
        .column::<Uuid, _>("order_id", |change| change.order_id)
        .column::<Text, _>("mail_state", |change| change.mail_state)
        .column::<BigInt, _>("version", |change| change.version);
    let update = sql("WITH locked AS ( \
             SELECT order_id FROM orders WHERE order_id = ANY({ids}) \
             ORDER BY order_id FOR NO KEY UPDATE) \
         UPDATE orders SET mail_state = new.mail_state, mail_version = new.version \
         FROM {new} JOIN locked USING (order_id) \
         WHERE orders.order_id = new.order_id AND orders.mail_version < new.version")
    .bind::<Array<Uuid>, _>("ids", ids)
    .rows("new", rows);
    update.execute(connection).await.map(drop)
}
