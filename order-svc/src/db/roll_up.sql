WITH taken AS MATERIALIZED (
    SELECT order_id, sign FROM uncounted_orders LIMIT {limit}),
pending AS (
    DELETE FROM uncounted_orders AS uncounted USING taken
    WHERE uncounted.order_id = taken.order_id AND uncounted.sign = taken.sign
    RETURNING uncounted.order_id, uncounted.sign),
counted AS (
    SELECT minutes, date_bin(make_interval(mins => minutes), created_at, 'epoch') AS began_at,
        sign, created_at, total_minor, product_ids, names, quantities, prices_minor
    FROM pending JOIN orders USING (order_id) CROSS JOIN unnest({minutes}) AS span (minutes)),
line_items AS (
    SELECT minutes, began_at, sign, created_at, product_id, name, quantity, price_minor
    FROM counted CROSS JOIN unnest(product_ids, names, quantities, prices_minor)
        AS line_item (product_id, name, quantity, price_minor)),
rolled_up_orders AS (
    INSERT INTO order_sums AS sums (minutes, began_at, orders, items, revenue_minor)
    SELECT minutes, began_at, sum(sign),
        sum(sign * (SELECT sum(quantity) FROM unnest(quantities) AS quantity)),
        sum(sign * total_minor)
    FROM counted GROUP BY minutes, began_at
    ON CONFLICT (minutes, began_at) DO UPDATE SET
        orders = sums.orders + excluded.orders,
        items = sums.items + excluded.items,
        revenue_minor = sums.revenue_minor + excluded.revenue_minor),
rolled_up_products AS (
    INSERT INTO product_sums AS sums (minutes, began_at, product_id, quantity, revenue_minor)
    SELECT minutes, began_at, product_id, sum(sign * quantity), sum(sign * quantity * price_minor)
    FROM line_items GROUP BY minutes, began_at, product_id
    ON CONFLICT (minutes, began_at, product_id) DO UPDATE SET
        quantity = sums.quantity + excluded.quantity,
        revenue_minor = sums.revenue_minor + excluded.revenue_minor),
rolled_up_names AS (
    INSERT INTO sold_products AS sold (product_id, name, sold_at)
    SELECT DISTINCT ON (product_id) product_id, name, created_at
    FROM line_items ORDER BY product_id, created_at DESC
    ON CONFLICT (product_id) DO UPDATE SET name = excluded.name, sold_at = excluded.sold_at
    WHERE sold.sold_at < excluded.sold_at)
SELECT count(*) FROM pending
