//! SQL of reservations.

use std::{collections::HashSet, time::Duration};

use diesel::{
    ExpressionMethods, QueryDsl, QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Binary, Double, Integer, Text, Uuid},
};
use diesel_async::RunQueryDsl;
use mesh_data::{database::Connection, prepared::prepared};

use crate::{
    product::ProductId,
    reservation::{OrderId, Reservation, ReservationState, ReservedItem},
    schema::reservations,
};

#[derive(diesel::Queryable)]
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

macro_rules! rows {
    ($ids:expr) => {
        reservations::table
            .filter(reservations::order_id.eq_any($ids))
            .order(reservations::order_id)
            .select((
                reservations::order_id,
                reservations::fingerprint,
                reservations::state,
                reservations::product_ids,
                reservations::names,
                reservations::quantities,
                reservations::prices_minor,
            ))
    };
}

/// Those of the reservations that are there.
pub async fn find_reservations(
    connection: &mut Connection,
    ids: &[OrderId],
) -> QueryResult<Vec<Reservation>> {
    let rows: Vec<Row> = rows!(ids).load(connection).await?;
    Ok(rows.into_iter().map(Reservation::from).collect())
}

/// Locks those of the reservations that are there, in order of id, and tells them.
pub async fn lock_reservations(
    connection: &mut Connection,
    ids: &[OrderId],
) -> QueryResult<Vec<Reservation>> {
    let rows: Vec<Row> = rows!(ids).for_no_key_update().load(connection).await?;
    Ok(rows.into_iter().map(Reservation::from).collect())
}

/// Writes holds, in order of id, and tells those whose id was free.
pub async fn insert_reservations(
    connection: &mut Connection,
    new: &[Reservation],
) -> QueryResult<HashSet<OrderId>> {
    if new.is_empty() {
        return Ok(HashSet::new());
    }
    // SQL has no array of arrays of different length: the items of all, and where each
    // reservation's begin and end.
    let items: Vec<_> = new.iter().flat_map(|new| &new.items).collect();
    let lasts: Vec<i32> = new
        .iter()
        .scan(0, |last, new| {
            *last += new.items.len() as i32;
            Some(*last)
        })
        .collect();
    let firsts = lasts.iter().zip(new).map(|(last, new)| last - new.items.len() as i32 + 1);
    let firsts: Vec<_> = firsts.collect();
    let insert = sql_query(
        "INSERT INTO reservations \
         (order_id, fingerprint, product_ids, names, quantities, prices_minor) \
         SELECT order_id, fingerprint, ($5)[f:l], ($6)[f:l], ($7)[f:l], ($8)[f:l] \
         FROM unnest($1, $2, $3, $4) AS new (order_id, fingerprint, f, l) ORDER BY order_id \
         ON CONFLICT (order_id) DO NOTHING RETURNING order_id",
    )
    .bind::<Array<Uuid>, _>(new.iter().map(|new| new.order_id).collect::<Vec<_>>())
    .bind::<Array<Binary>, _>(new.iter().map(|new| &*new.fingerprint).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(firsts)
    .bind::<Array<Integer>, _>(lasts)
    .bind::<Array<Uuid>, _>(items.iter().map(|item| item.product_id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(items.iter().map(|item| &*item.name).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(items.iter().map(|item| item.quantity).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(items.iter().map(|item| item.price_minor).collect::<Vec<_>>());
    let inserted: Vec<Id> = prepared(insert).get_results(connection).await?;
    Ok(inserted.into_iter().map(|row| row.order_id).collect())
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = Uuid)]
    order_id: OrderId,
}

/// Takes back reservations that this very transaction wrote and then refused.
pub async fn delete_reservations(connection: &mut Connection, ids: &[OrderId]) -> QueryResult<()> {
    diesel::delete(reservations::table.filter(reservations::order_id.eq_any(ids)))
        .execute(connection)
        .await
        .map(drop)
}

/// Moves reservations that are locked.
pub async fn update_states(
    connection: &mut Connection,
    moved: &[(OrderId, ReservationState)],
) -> QueryResult<()> {
    let (ids, states): (Vec<_>, Vec<_>) = moved.iter().copied().unzip();
    let update = sql_query(
        "UPDATE reservations SET state = new.state \
         FROM unnest($1, $2) AS new (order_id, state) \
         WHERE reservations.order_id = new.order_id",
    )
    .bind::<Array<Uuid>, _>(ids)
    .bind::<Array<Text>, _>(states);
    prepared(update).execute(connection).await.map(drop)
}

/// Holds older than `age`, oldest first.
pub async fn find_held_before(
    connection: &mut Connection,
    age: Duration,
    limit: i64,
) -> QueryResult<Vec<OrderId>> {
    let find = sql_query(
        "SELECT order_id FROM reservations WHERE state = 'HELD' \
         AND created_at < now() - make_interval(secs => $1) ORDER BY created_at LIMIT $2",
    )
    .bind::<Double, _>(age.as_secs_f64())
    .bind::<BigInt, _>(limit);
    let rows: Vec<Id> = prepared(find).get_results(connection).await?;
    Ok(rows.into_iter().map(|row| row.order_id).collect())
}
