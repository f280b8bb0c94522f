//! SQL of the statistics: orders that no sum has yet, the sums, and questions that read
//! both.

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Bool, Integer, SmallInt, Text, Timestamptz, Uuid},
};
use diesel_async::RunQueryDsl;
use mesh_data::{database::Connection, prepared::prepared};

use crate::{
    order::{OrderId, ProductId},
    periods::{SPAN_MINUTES, Span},
    statistics::{TopProduct, Totals},
};

/// Any number: of all replicas one folds at a time.
const FOLD_LOCK: i64 = 0x666f_6c64_0001;

/// An order was placed, or cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Counting {
    Placed = 1,
    Cancelled = -1,
}

/// Has orders counted, in the transaction that places or cancels them.
pub async fn count_orders(
    connection: &mut Connection,
    ids: &[OrderId],
    counting: Counting,
) -> QueryResult<()> {
    let insert = sql_query("INSERT INTO uncounted_orders (order_id, sign) SELECT unnest($1), $2")
        .bind::<Array<Uuid>, _>(ids)
        .bind::<SmallInt, _>(counting as i16);
    prepared(insert).execute(connection).await.map(drop)
}

/// Takes the lock that keeps other replicas from folding, until the transaction ends;
/// false where another has it.
pub async fn try_lock_fold(connection: &mut Connection) -> QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Locked {
        #[diesel(sql_type = Bool)]
        locked: bool,
    }
    let lock =
        sql_query("SELECT pg_try_advisory_xact_lock($1) AS locked").bind::<BigInt, _>(FOLD_LOCK);
    let row: Locked = prepared(lock).get_result(connection).await?;
    Ok(row.locked)
}

/// Moves up to `limit` orders into the sums, each exactly once, and tells how many.
pub async fn fold(connection: &mut Connection, limit: i64) -> QueryResult<i64> {
    #[derive(QueryableByName)]
    struct Folded {
        #[diesel(sql_type = BigInt)]
        folded: i64,
    }
    let fold = sql_query(
        "WITH taken AS ( \
             DELETE FROM uncounted_orders WHERE (order_id, sign) IN \
                 (SELECT order_id, sign FROM uncounted_orders LIMIT $2) \
             RETURNING order_id, sign), \
         counted AS ( \
             SELECT minutes, date_bin(make_interval(mins => minutes), created_at, 'epoch') \
                 AS began_at, sign, created_at, total_minor, product_ids, names, quantities, \
                 prices_minor \
             FROM taken JOIN orders USING (order_id) CROSS JOIN unnest($1) AS span (minutes)), \
         lines AS ( \
             SELECT minutes, began_at, sign, created_at, product_id, name, quantity, price_minor \
             FROM counted CROSS JOIN \
                 unnest(product_ids, names, quantities, prices_minor) \
                 AS line (product_id, name, quantity, price_minor)), \
         orders_folded AS ( \
             INSERT INTO order_sums AS sums (minutes, began_at, orders, items, revenue_minor) \
             SELECT minutes, began_at, sum(sign), \
                 sum(sign * (SELECT sum(quantity) FROM unnest(quantities) AS quantity)), \
                 sum(sign * total_minor) \
             FROM counted GROUP BY minutes, began_at \
             ON CONFLICT (minutes, began_at) DO UPDATE SET \
                 orders = sums.orders + excluded.orders, \
                 items = sums.items + excluded.items, \
                 revenue_minor = sums.revenue_minor + excluded.revenue_minor), \
         products_folded AS ( \
             INSERT INTO product_sums AS sums \
                 (minutes, began_at, product_id, quantity, revenue_minor) \
             SELECT minutes, began_at, product_id, sum(sign * quantity), \
                 sum(sign * quantity * price_minor) \
             FROM lines GROUP BY minutes, began_at, product_id \
             ON CONFLICT (minutes, began_at, product_id) DO UPDATE SET \
                 quantity = sums.quantity + excluded.quantity, \
                 revenue_minor = sums.revenue_minor + excluded.revenue_minor), \
         names_folded AS ( \
             INSERT INTO sold_products AS sold (product_id, name, sold_at) \
             SELECT DISTINCT ON (product_id) product_id, name, created_at \
             FROM lines ORDER BY product_id, created_at DESC \
             ON CONFLICT (product_id) DO UPDATE SET \
                 name = excluded.name, sold_at = excluded.sold_at \
             WHERE sold.sold_at < excluded.sold_at) \
         SELECT count(*) AS folded FROM taken",
    )
    .bind::<Array<Integer>, _>(&SPAN_MINUTES[..])
    .bind::<BigInt, _>(limit);
    let row: Folded = prepared(fold).get_result(connection).await?;
    Ok(row.folded)
}

/// How many orders no sum has yet, up to 10,000.
pub async fn count_uncounted(connection: &mut Connection) -> QueryResult<i64> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        waiting: i64,
    }
    let count = sql_query(
        "SELECT count(*) AS waiting FROM (SELECT FROM uncounted_orders LIMIT 10000) AS sample",
    );
    let row: Count = prepared(count).get_result(connection).await?;
    Ok(row.waiting)
}

/// Makes all questions of the transaction see one moment, and tells which.
pub async fn begin_snapshot(connection: &mut Connection) -> QueryResult<DateTime<Utc>> {
    #[derive(QueryableByName)]
    struct Moment {
        #[diesel(sql_type = Timestamptz)]
        moment: DateTime<Utc>,
    }
    sql_query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        .execute(connection)
        .await?;
    let moment = sql_query("SELECT statement_timestamp() AS moment");
    let row: Moment = prepared(moment).get_result(connection).await?;
    Ok(row.moment)
}

/// Orders created in each of the periods that begin at `starts` and end with the next,
/// the last at `end`, by the index of the period; empty ones are left out. `spans`
/// covers them all.
pub async fn sum_periods(
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
    let (minutes, firsts, ends) = columns(spans);
    let sum = sql_query(
        "WITH counted AS ( \
             SELECT width_bucket(began_at, $4) AS number, orders, items, revenue_minor \
             FROM unnest($1, $2, $3) AS span (length, first, after) CROSS JOIN LATERAL ( \
                 SELECT * FROM order_sums WHERE minutes = length \
                 AND began_at >= first AND began_at < after) AS sums \
             UNION ALL \
             SELECT width_bucket(created_at, $4), sign, \
                 sign * (SELECT sum(quantity) FROM unnest(quantities) AS quantity), \
                 sign * total_minor \
             FROM uncounted_orders JOIN orders USING (order_id) \
             WHERE created_at >= $4[1] AND created_at < $5) \
         SELECT number, sum(orders)::bigint AS orders, sum(items)::bigint AS items, \
             sum(revenue_minor)::bigint AS revenue_minor \
         FROM counted GROUP BY number ORDER BY number",
    )
    .bind::<Array<Integer>, _>(minutes)
    .bind::<Array<Timestamptz>, _>(firsts)
    .bind::<Array<Timestamptz>, _>(ends)
    .bind::<Array<Timestamptz>, _>(starts)
    .bind::<Timestamptz, _>(end);
    let sums: Vec<Sum> = prepared(sum).get_results(connection).await?;
    let sums = sums.into_iter().map(|sum| {
        let Sum { number, orders, items, revenue_minor } = sum;
        // Buckets are numbered from 1.
        let index = usize::try_from(number - 1).unwrap_or_default();
        (index, Totals { orders, items, revenue_minor })
    });
    Ok(sums.collect())
}

/// The products with the most revenue from orders created from `start` up to `end`,
/// most first. `spans` covers that range.
pub async fn find_top_products(
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
    let (minutes, firsts, ends) = columns(spans);
    let top = sql_query(
        "WITH uncounted AS ( \
             SELECT sign, created_at, line.* FROM uncounted_orders JOIN orders USING (order_id) \
             CROSS JOIN unnest(product_ids, names, quantities, prices_minor) \
                 AS line (product_id, name, quantity, price_minor)), \
         sold AS ( \
             SELECT product_id, quantity, revenue_minor \
             FROM unnest($1, $2, $3) AS span (length, first, after) CROSS JOIN LATERAL ( \
                 SELECT * FROM product_sums WHERE minutes = length \
                 AND began_at >= first AND began_at < after) AS sums \
             UNION ALL \
             SELECT product_id, sign * quantity, sign * quantity * price_minor FROM uncounted \
             WHERE created_at >= $4 AND created_at < $5), \
         top AS ( \
             SELECT product_id, sum(quantity)::bigint AS quantity, \
                 sum(revenue_minor)::bigint AS revenue_minor \
             FROM sold GROUP BY product_id HAVING sum(quantity) > 0 \
             ORDER BY sum(revenue_minor) DESC, product_id LIMIT $6) \
         SELECT top.product_id, quantity, revenue_minor, name FROM top CROSS JOIN LATERAL ( \
             SELECT name FROM ( \
                 SELECT name, sold_at FROM sold_products \
                 WHERE sold_products.product_id = top.product_id \
                 UNION ALL \
                 SELECT name, created_at FROM uncounted \
                 WHERE uncounted.product_id = top.product_id) AS names \
             ORDER BY sold_at DESC LIMIT 1) AS last \
         ORDER BY revenue_minor DESC, product_id",
    )
    .bind::<Array<Integer>, _>(minutes)
    .bind::<Array<Timestamptz>, _>(firsts)
    .bind::<Array<Timestamptz>, _>(ends)
    .bind::<Timestamptz, _>(start)
    .bind::<Timestamptz, _>(end)
    .bind::<BigInt, _>(limit);
    let rows: Vec<Row> = prepared(top).get_results(connection).await?;
    let products = rows.into_iter().map(|row| {
        let Row { product_id, name, quantity, revenue_minor } = row;
        TopProduct { product_id, name, quantity, revenue_minor }
    });
    Ok(products.collect())
}

type Columns = (Vec<i32>, Vec<DateTime<Utc>>, Vec<DateTime<Utc>>);

fn columns(spans: &[Span]) -> Columns {
    let minutes = spans.iter().map(|span| span.minutes).collect();
    let firsts = spans.iter().map(|span| span.first).collect();
    (minutes, firsts, spans.iter().map(|span| span.end).collect())
}
