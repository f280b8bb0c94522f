//! SQL of reservations.

use std::{collections::HashSet, time::Duration};

use diesel::{ExpressionMethods, QueryDsl, QueryResult, QueryableByName, sql_types};
use diesel_async::RunQueryDsl;
use mesh::database::Connection;

use crate::{
    product::ProductId,
    reservation::{OrderId, Reservation, ReservationState, ReservedItem},
    schema::reservations,
};

#[derive(diesel::Queryable, diesel::Selectable, diesel::Insertable)]
#[diesel(table_name = reservations)]
struct Row {
    order_id: OrderId,
    fingerprint: Vec<u8>,
    state: String,
    product_ids: Vec<ProductId>,
    names: Vec<String>,
    quantities: Vec<i32>,
    prices_minor: Vec<i64>,
}

fn state_name(state: ReservationState) -> &'static str {
    match state {
        ReservationState::Held => "HELD",
        ReservationState::Committed => "COMMITTED",
        ReservationState::Returned => "RETURNED",
        ReservationState::Released => "RELEASED",
    }
}

/// The schema's CHECK allows no other name.
fn state(name: &str) -> ReservationState {
    match name {
        "COMMITTED" => ReservationState::Committed,
        "RETURNED" => ReservationState::Returned,
        "RELEASED" => ReservationState::Released,
        _ => ReservationState::Held,
    }
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
            state: state(&row.state),
            items: items.collect(),
        }
    }
}

impl From<&Reservation> for Row {
    fn from(reservation: &Reservation) -> Self {
        let items = || reservation.items.iter();
        Self {
            order_id: reservation.order_id,
            fingerprint: reservation.fingerprint.clone(),
            state: state_name(reservation.state).to_owned(),
            product_ids: items().map(|item| item.product_id).collect(),
            names: items().map(|item| item.name.clone()).collect(),
            quantities: items().map(|item| item.quantity).collect(),
            prices_minor: items().map(|item| item.price_minor).collect(),
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

/// Writes reservations, given in order of id, and tells those that were not there.
pub async fn insert_reservations(
    connection: &mut Connection,
    new: &[Reservation],
) -> QueryResult<HashSet<OrderId>> {
    if new.is_empty() {
        return Ok(HashSet::new());
    }
    let rows: Vec<Row> = new.iter().map(Row::from).collect();
    let inserted: Vec<OrderId> = diesel::insert_into(reservations::table)
        .values(&rows)
        .on_conflict_do_nothing()
        .returning(reservations::order_id)
        .get_results(connection)
        .await?;
    Ok(inserted.into_iter().collect())
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
    let (ids, states): (Vec<_>, Vec<_>) =
        moved.iter().map(|(id, state)| (*id, state_name(*state))).unzip();
    diesel::sql_query(
        "UPDATE reservations SET state = new.state \
         FROM unnest($1, $2) AS new (order_id, state) \
         WHERE reservations.order_id = new.order_id",
    )
    .bind::<sql_types::Array<sql_types::Uuid>, _>(ids)
    .bind::<sql_types::Array<sql_types::Text>, _>(states)
    .execute(connection)
    .await
    .map(drop)
}

/// Holds older than `age`, oldest first.
pub async fn find_held_before(
    connection: &mut Connection,
    age: Duration,
    limit: i64,
) -> QueryResult<Vec<OrderId>> {
    #[derive(QueryableByName)]
    struct Id {
        #[diesel(sql_type = sql_types::Uuid)]
        order_id: OrderId,
    }
    let rows: Vec<Id> = diesel::sql_query(
        "SELECT order_id FROM reservations WHERE state = 'HELD' \
         AND created_at < now() - make_interval(secs => $1) ORDER BY created_at LIMIT $2",
    )
    .bind::<sql_types::Double, _>(age.as_secs_f64())
    .bind::<sql_types::BigInt, _>(limit)
    .get_results(connection)
    .await?;
    Ok(rows.into_iter().map(|row| row.order_id).collect())
}
