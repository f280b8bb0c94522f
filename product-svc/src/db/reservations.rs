//! SQL of reservations.

use std::{collections::HashSet, time::Duration};

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, IntoSql, QueryDsl, QueryResult, Queryable, QueryableByName, Selectable,
    SelectableHelper,
    dsl::{now, sql as literal},
    pg::{Pg, expression::extensions::IntervalDsl},
    sql_types::{Array, BigInt, Binary, Integer, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use mesh_data::{
    database::Connection,
    sql::{Rows, sql},
};

use crate::{
    db::after,
    inventory::OrderId,
    product::ProductId,
    reservation::{Reservation, ReservationState, ReservedItem},
    schema::reservations,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = reservations, check_for_backend(Pg))]
struct Row {
    order_id: OrderId,
    fingerprint: Vec<u8>,
    state: ReservationState,
    product_ids: Vec<ProductId>,
    names: Vec<String>,
    quantities: Vec<i32>,
    prices_minor: Vec<i64>,
}

impl From<Row> for Reservation {
    fn from(row: Row) -> Self {
        let columns = row.product_ids.into_iter().zip(row.names);
        let columns = columns.zip(row.quantities).zip(row.prices_minor);
        let items = columns.map(|(((product_id, name), quantity), price_minor)| ReservedItem {
            product_id,
            name,
            quantity,
            price_minor,
        });
        Self {
            order_id: row.order_id,
            fingerprint: row.fingerprint,
            state: row.state,
            items: items.collect(),
        }
    }
}

/// Returns the reservations of `ids` that exist.
pub(crate) async fn find_reservations(
    connection: &mut Connection,
    ids: &[OrderId],
) -> QueryResult<Vec<Reservation>> {
    let rows = reservations::table
        .filter(reservations::order_id.eq_any(ids))
        .select(Row::as_select())
        .load(connection)
        .await?;
    Ok(rows.into_iter().map(Reservation::from).collect())
}

/// Locks the reservations of `ids` that exist, in order of id, and returns them.
pub(crate) async fn lock_reservations(
    connection: &mut Connection,
    ids: &[OrderId],
) -> QueryResult<Vec<Reservation>> {
    let rows = reservations::table
        .filter(reservations::order_id.eq_any(ids))
        .order(reservations::order_id)
        .select(Row::as_select())
        .for_no_key_update()
        .load(connection)
        .await?;
    Ok(rows.into_iter().map(Reservation::from).collect())
}

/// Inserts reservations in order of id. Returns the ids that did not exist before.
pub(crate) async fn insert_reservations(
    connection: &mut Connection,
    new: &[Reservation],
) -> QueryResult<HashSet<OrderId>> {
    #[derive(QueryableByName)]
    struct Id {
        #[diesel(sql_type = SqlUuid)]
        order_id: OrderId,
    }
    if new.is_empty() {
        return Ok(HashSet::new());
    }
    // SQL has no array of arrays of different lengths. So there is one array of the items of all
    // reservations, and the bounds of each.
    let mut items = Vec::new();
    let mut bounded = Vec::with_capacity(new.len());
    for reservation in new {
        let first = items.len() as i32 + 1;
        items.extend(&reservation.items);
        bounded.push((reservation, first, items.len() as i32));
    }
    let rows = Rows::of(&bounded)
        .column::<SqlUuid, _>("order_id", |(reservation, ..)| reservation.order_id)
        .column::<Binary, _>("fingerprint", |(reservation, ..)| &*reservation.fingerprint)
        .column::<Integer, _>("first", |(_, first, _)| *first)
        .column::<Integer, _>("last", |(.., last)| *last);
    let insert = sql("INSERT INTO reservations \
         (order_id, fingerprint, product_ids, names, quantities, prices_minor) \
         SELECT order_id, fingerprint, ({product_ids})[first:last], ({names})[first:last], \
                ({quantities})[first:last], ({prices_minor})[first:last] \
         FROM {new} ORDER BY order_id ON CONFLICT (order_id) DO NOTHING RETURNING order_id")
    .rows("new", rows)
    .bind::<Array<SqlUuid>, _>("product_ids", collect(&items, |item| item.product_id))
    .bind::<Array<Text>, _>("names", collect(&items, |item| &*item.name))
    .bind::<Array<Integer>, _>("quantities", collect(&items, |item| item.quantity))
    .bind::<Array<BigInt>, _>("prices_minor", collect(&items, |item| item.price_minor));
    let inserted: Vec<Id> = insert.get_results(connection).await?;
    Ok(inserted.into_iter().map(|row| row.order_id).collect())
}

fn collect<'a, T>(items: &[&'a ReservedItem], column: impl Fn(&'a ReservedItem) -> T) -> Vec<T> {
    items.iter().map(|item| column(item)).collect()
}

/// Deletes reservations that the same transaction has inserted and then rejected.
pub(crate) async fn delete_reservations(
    connection: &mut Connection,
    ids: &[OrderId],
) -> QueryResult<()> {
    diesel::delete(reservations::table.filter(reservations::order_id.eq_any(ids)))
        .execute(connection)
        .await
        .map(drop)
}

/// Updates the states of reservations that the caller has locked.
pub(crate) async fn update_states(
    connection: &mut Connection,
    transitions: &[(OrderId, ReservationState)],
) -> QueryResult<()> {
    if transitions.is_empty() {
        return Ok(());
    }
    let rows = Rows::of(transitions)
        .column::<SqlUuid, _>("order_id", |(id, _)| *id)
        .column::<Text, _>("state", |(_, state)| *state);
    let update = sql("UPDATE reservations SET state = new.state \
         FROM {new} WHERE reservations.order_id = new.order_id");
    update.rows("new", rows).execute(connection).await.map(drop)
}

/// Where a walk through the holds continues: the time of a hold and its order.
pub(crate) type HeldCursor = (DateTime<Utc>, OrderId);

/// Returns up to `limit` holds older than `age` after `cursor`, oldest first.
pub(crate) async fn find_held_before(
    connection: &mut Connection,
    age: Duration,
    cursor: Option<HeldCursor>,
    limit: i64,
) -> QueryResult<Vec<HeldCursor>> {
    let age = age.as_secs_f64().seconds();
    let mut query = reservations::table
        // A literal instead of a parameter, so that any plan can use the index of holds.
        .filter(reservations::state.eq(literal::<Text>("'HELD'")))
        .filter(reservations::created_at.lt(now.into_sql::<Timestamptz>() - age))
        .order((reservations::created_at, reservations::order_id))
        .limit(limit)
        .select((reservations::created_at, reservations::order_id))
        .into_boxed::<Pg>();
    if let Some(cursor) = cursor {
        let columns = (reservations::created_at, reservations::order_id);
        query = query.filter(after::<(Timestamptz, SqlUuid), _, _>(columns, cursor));
    }
    query.load(connection).await
}
