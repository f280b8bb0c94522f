//! SQL of the open orders of customers: those neither shipped nor cancelled.

use std::collections::HashMap;

use diesel::{
    QueryResult, QueryableByName,
    sql_types::{Array, BigInt, Text, Uuid},
};
use diesel_async::RunQueryDsl;
use mesh_data::{database::Connection, sql::sql};

use crate::order::{CustomerId, OrderState, open_orders::OpenOrders};

/// Locks customers until the transaction ends, so that of concurrent transactions one counts their
/// orders at a time.
pub(crate) async fn lock_customers(
    connection: &mut Connection,
    customers: &[CustomerId],
) -> QueryResult<()> {
    // Sorted, so that two transactions never deadlock.
    let mut keys: Vec<i64> = customers.iter().map(|id| id.0.as_u64_pair().1 as i64).collect();
    keys.sort_unstable();
    let lock = sql("SELECT pg_advisory_xact_lock(key) FROM unnest({keys}) AS k (key)")
        .bind::<Array<BigInt>, _>("keys", keys);
    lock.execute(connection).await.map(drop)
}

/// Returns what the open orders of each of `customers` that has one add up to.
pub(crate) async fn sum_open_orders(
    connection: &mut Connection,
    customers: &[CustomerId],
) -> QueryResult<HashMap<CustomerId, OpenOrders>> {
    #[derive(QueryableByName)]
    struct Sum {
        #[diesel(sql_type = Uuid)]
        customer_id: CustomerId,
        #[diesel(sql_type = BigInt)]
        orders: i64,
        #[diesel(sql_type = BigInt)]
        units: i64,
    }
    let query = sql("SELECT customer_id, count(*) AS orders, \
                sum((SELECT sum(quantity) FROM unnest(quantities) AS q (quantity)))::bigint \
                    AS units \
         FROM orders WHERE customer_id = ANY({customers}) AND state = {open} \
         GROUP BY customer_id")
    .bind::<Array<Uuid>, _>("customers", customers.to_vec())
    .bind::<Text, _>("open", OrderState::Confirmed);
    let sums: Vec<Sum> = query.get_results(connection).await?;
    let sums = sums.into_iter();
    Ok(sums
        .map(|Sum { customer_id, orders, units }| (customer_id, OpenOrders { orders, units }))
        .collect())
}
