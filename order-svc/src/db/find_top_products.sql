WITH pending AS (
    SELECT sign, created_at, line_item.*
    FROM uncounted_orders JOIN orders USING (order_id)
    CROSS JOIN unnest(product_ids, names, quantities, prices_minor)
        AS line_item (product_id, name, quantity, price_minor)),
sold AS (
    SELECT product_id, quantity, revenue_minor
    FROM {span} CROSS JOIN LATERAL (
        SELECT * FROM product_sums
        WHERE minutes = length AND began_at >= first AND began_at < after) AS sums
    UNION ALL
    SELECT product_id, sign * quantity, sign * quantity * price_minor FROM pending
    WHERE created_at >= {start} AND created_at < {end}),
top AS (
    SELECT product_id, sum(quantity)::bigint AS quantity,
        sum(revenue_minor)::bigint AS revenue_minor
    FROM sold GROUP BY product_id HAVING sum(quantity) > 0
    ORDER BY sum(revenue_minor) DESC, product_id LIMIT {limit})
SELECT top.product_id, quantity, revenue_minor, name FROM top CROSS JOIN LATERAL (
    SELECT name FROM (
        SELECT name, sold_at FROM sold_products WHERE sold_products.product_id = top.product_id
        UNION ALL
        SELECT name, created_at FROM pending WHERE pending.product_id = top.product_id) AS names
    ORDER BY sold_at DESC LIMIT 1) AS last
ORDER BY revenue_minor DESC, product_id
