//! SQL of the statistics: pending rollup rows, the sums, and the queries that read both.

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult, QueryableByName,
    sql_types::{Array, BigInt, Integer, SmallInt, Text, Timestamptz, Uuid},
};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use mesh_data::{
    database::Connection,
    sql::{Rows, sql},
};

use crate::{
    order::{OrderId, ProductId},
    statistics::{
        TopProduct, Totals,
        periods::{SPAN_MINUTES, Span},
    },
};

/// An arbitrary number: one replica at a time rolls up.
const ROLLUP_LOCK: i64 = 0x666f_6c64_0001;

diesel::define_sql_function!(fn pg_try_advisory_xact_lock(key: BigInt) -> Bool);
diesel::define_sql_function!(fn statement_timestamp() -> Timestamptz);

/// How an order changes the sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RollupSign {
    Placed = 1,
    Cancelled = -1,
}

/// Inserts pending rollup rows, in the transaction that places or cancels the orders.
pub(crate) async fn insert_pending(
    connection: &mut Connection,
    ids: &[OrderId],
    sign: RollupSign,
) -> QueryResult<()> {
    let insert = Rows::of(ids)
        .column::<Uuid, _>("order_id", |id| *id)
        .column::<SmallInt, _>("sign", |_| sign as i16)
        .insert_into("uncounted_orders");
    insert.execute(connection).await.map(drop)
}

/// Takes the lock that keeps other replicas from rolling up until the transaction ends.
/// Returns false if another replica has it.
pub(crate) async fn try_lock_rollup(connection: &mut Connection) -> QueryResult<bool> {
    diesel::select(pg_try_advisory_xact_lock(ROLLUP_LOCK)).get_result(connection).await
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Rolls up at most `limit` pending rows, each exactly once, and returns their number.
pub(crate) async fn roll_up(connection: &mut Connection, limit: i64) -> QueryResult<i64> {
    let roll_up = sql(include_str!("roll_up.sql"))
        .bind::<BigInt, _>("limit", limit)
        .bind::<Array<Integer>, _>("minutes", &SPAN_MINUTES[..])
        .planned_each_time();
    let row: Count = roll_up.get_result(connection).await?;
    Ok(row.count)
}

/// Returns the number of pending rollup rows, at most 10,000.
pub(crate) async fn count_pending(connection: &mut Connection) -> QueryResult<i64> {
    let count = sql("SELECT count(*) FROM (SELECT FROM uncounted_orders LIMIT 10000) AS sample");
    let row: Count = count.get_result(connection).await?;
    Ok(row.count)
}

/// Makes all queries of the transaction read one snapshot, and returns its time.
pub(crate) async fn begin_snapshot(connection: &mut Connection) -> QueryResult<DateTime<Utc>> {
    connection.batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY").await?;
    diesel::select(statement_timestamp()).get_result(connection).await
}

/// Returns the figures of the orders created in each period, by the index of the period;
/// empty periods are left out. The periods start at `starts`, and the last one ends at
/// `end`. `spans` covers them all.
pub(crate) async fn sum_periods(
    connection: &mut Connection,
    starts: &[DateTime<Utc>],
    end: DateTime<Utc>,
    spans: &[Span],
) -> QueryResult<Vec<(usize, Totals)>> {
    #[derive(QueryableByName)]
    struct Sum {
        #[diesel(sql_type = Integer)]
        number: i32,
        #[diesel(sql_type = BigInt)]
        orders: i64,
        #[diesel(sql_type = BigInt)]
        items: i64,
        #[diesel(sql_type = BigInt)]
        revenue_minor: i64,
    }
    let sum = sql(include_str!("sum_periods.sql"))
        .rows("span", rows(spans))
        .bind::<Array<Timestamptz>, _>("starts", starts)
        .bind::<Timestamptz, _>("start", starts[0])
        .bind::<Timestamptz, _>("end", end);
    let sums: Vec<Sum> = sum.get_results(connection).await?;
    let sums = sums.into_iter().map(|sum| {
        let Sum { number, orders, items, revenue_minor } = sum;
        // Buckets are numbered from 1.
        let index = usize::try_from(number - 1).unwrap_or_default();
        (index, Totals { orders, items, revenue_minor })
    });
    Ok(sums.collect())
}

/// Returns the products with the highest revenue from orders created from `start` to
/// before `end`, highest first. `spans` covers that range.
pub(crate) async fn find_top_products(
    connection: &mut Connection,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    spans: &[Span],
    limit: i64,
) -> QueryResult<Vec<TopProduct>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Uuid)]
        product_id: ProductId,
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = BigInt)]
        quantity: i64,
        #[diesel(sql_type = BigInt)]
        revenue_minor: i64,
    }
    let top = sql(include_str!("find_top_products.sql"))
        .rows("span", rows(spans))
        .bind::<Timestamptz, _>("start", start)
        .bind::<Timestamptz, _>("end", end)
        .bind::<BigInt, _>("limit", limit);
    let rows: Vec<Row> = top.get_results(connection).await?;
    let products = rows.into_iter().map(|row| {
        let Row { product_id, name, quantity, revenue_minor } = row;
        TopProduct { product_id, name, quantity, revenue_minor }
    });
    Ok(products.collect())
}

fn rows(spans: &[Span]) -> Rows<'_, Span> {
    Rows::of(spans)
        .column::<Integer, _>("length", |span| span.minutes)
        .column::<Timestamptz, _>("first", |span| span.first)
        .column::<Timestamptz, _>("after", |span| span.end)
}
