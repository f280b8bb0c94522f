WITH counted AS (
    SELECT width_bucket(began_at, {starts}) AS number, orders, items, revenue_minor
    FROM {span} CROSS JOIN LATERAL (
        SELECT * FROM order_sums
        WHERE minutes = length AND began_at >= first AND began_at < after) AS sums
    UNION ALL
    SELECT width_bucket(created_at, {starts}), sign,
        sign * (SELECT sum(quantity) FROM unnest(quantities) AS quantity), sign * total_minor
    FROM uncounted_orders JOIN orders USING (order_id)
    WHERE created_at >= {start} AND created_at < {end})
SELECT number, sum(orders)::bigint AS orders, sum(items)::bigint AS items,
    sum(revenue_minor)::bigint AS revenue_minor
FROM counted GROUP BY number ORDER BY number
