DROP TABLE sold_products, product_sums, order_sums, uncounted_orders, outbox, order_history;
DROP VIEW orders;
DROP TABLE checkouts;
