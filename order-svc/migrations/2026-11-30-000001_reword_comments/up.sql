COMMENT ON TABLE checkouts IS
    'Outcomes of checkouts. Each row is an order, or a tombstone that keeps its id from ever '
    'being used for an order. One primary key covers both, so an id never has both. A row is '
    'never deleted, because a message about it can arrive at any time.';
COMMENT ON COLUMN checkouts.order_id IS 'Order id: a UUIDv5 of customer_id and request_id.';
COMMENT ON COLUMN checkouts.state IS
    'CONFIRMED changes to SHIPPED or CANCELLED. ABANDONED marks a tombstone: all columns but '
    'order_id, state and created_at are NULL.';
COMMENT ON COLUMN checkouts.created_at IS
    'Time at which the order was placed or the tombstone was inserted.';
COMMENT ON COLUMN checkouts.request_id IS 'Idempotency key, chosen by the client.';
COMMENT ON COLUMN checkouts.fingerprint IS 'SHA-256 of the order request.';
COMMENT ON COLUMN checkouts.customer_id IS 'Account or API client that placed the order.';
COMMENT ON COLUMN checkouts.customer_email IS
    'Email address of the customer at the time of the order. Empty: an API client.';
COMMENT ON COLUMN checkouts.customer_name IS 'Name of the customer at the time of the order.';
COMMENT ON COLUMN checkouts.mail_state IS
    'Delivery state of the confirmation mail, from the events of notify-svc. NONE: the customer '
    'has no email address.';
COMMENT ON COLUMN checkouts.mail_version IS
    'Version of mail_state, assigned by notify-svc. An event with no greater version is ignored. '
    '0: no event applied.';
COMMENT ON COLUMN checkouts.product_ids IS
    'Product id of each line item, in the order of the request.';
COMMENT ON COLUMN checkouts.names IS 'Product name of each line item at the time of sale.';
COMMENT ON COLUMN checkouts.quantities IS 'Units of each line item.';
COMMENT ON COLUMN checkouts.prices_minor IS
    'Price of one unit of each line item at the time of sale, in minor units of the shop''s '
    'currency.';
COMMENT ON COLUMN checkouts.total_minor IS
    'Sum of price × quantity, in minor units of the shop''s currency.';
COMMENT ON COLUMN checkouts.full_name IS 'Shipping address: name of the recipient.';
COMMENT ON COLUMN checkouts.street IS 'Shipping address: street and number.';
COMMENT ON COLUMN checkouts.city IS 'Shipping address: city.';
COMMENT ON COLUMN checkouts.postal_code IS 'Shipping address: postal code.';
COMMENT ON COLUMN checkouts.country_code IS 'Shipping address: country, ISO 3166-1 alpha-2.';

COMMENT ON VIEW orders IS
    'Orders: the rows of checkouts that are not tombstones, with the same columns. The condition '
    'equals that of the partial indexes, so that queries can use them.';

COMMENT ON TABLE order_history IS
    'State transitions of orders. The initial state has no row, because checkouts has its time '
    'and actor (created_at, customer_id).';
COMMENT ON COLUMN order_history.order_id IS 'Order id.';
COMMENT ON COLUMN order_history.state IS 'State after the transition.';
COMMENT ON COLUMN order_history.actor_id IS 'Account or API client that requested the transition.';
COMMENT ON COLUMN order_history.actor_role IS 'Role of the actor: CUSTOMER of the order, or ADMIN.';
COMMENT ON COLUMN order_history.created_at IS 'Time of the transition.';

COMMENT ON TABLE uncounted_orders IS
    'Pending rollup rows: orders that no sum includes yet. The transaction that places or cancels '
    'an order inserts a row, so that checkouts do not wait for the rows of the sums. The rollup '
    'deletes it. The figures are read from checkouts, where they never change. There is no '
    'foreign key, because its check would cost time in each checkout.';
COMMENT ON COLUMN uncounted_orders.order_id IS 'Order id.';
COMMENT ON COLUMN uncounted_orders.sign IS
    '1: the order was placed and is added to the sums. -1: it was cancelled and is subtracted.';

COMMENT ON TABLE order_sums IS
    'Rollup of orders by creation time, without cancelled orders. Each order is included in one '
    'row of every span length.';
COMMENT ON COLUMN order_sums.minutes IS
    'Span length in minutes: 15, 1440 (a UTC day) or 43200 (30 days). Spans are aligned to '
    '1970-01-01 UTC.';
COMMENT ON COLUMN order_sums.began_at IS 'Start of the span.';
COMMENT ON COLUMN order_sums.orders IS 'Number of orders.';
COMMENT ON COLUMN order_sums.items IS 'Number of units sold.';
COMMENT ON COLUMN order_sums.revenue_minor IS
    'Sum of the order totals, in minor units of the shop''s currency.';

COMMENT ON TABLE product_sums IS
    'Rollup of line items by product and creation time of the order, without cancelled orders. '
    'Each line item is included in one row of every span length.';
COMMENT ON COLUMN product_sums.minutes IS 'Span length in minutes, as in order_sums.';
COMMENT ON COLUMN product_sums.began_at IS 'Start of the span.';
COMMENT ON COLUMN product_sums.product_id IS 'Product id.';
COMMENT ON COLUMN product_sums.quantity IS 'Number of units sold.';
COMMENT ON COLUMN product_sums.revenue_minor IS
    'Sum of price × quantity, in minor units of the shop''s currency.';

COMMENT ON TABLE sold_products IS 'Names of the products in product_sums.';
COMMENT ON COLUMN sold_products.product_id IS 'Product id.';
COMMENT ON COLUMN sold_products.name IS 'Product name in its newest order that was rolled up.';
COMMENT ON COLUMN sold_products.sold_at IS 'Creation time of that order.';

COMMENT ON TABLE outbox IS
    'Events to publish. The transaction that causes an event inserts its row. The relay publishes '
    'the event to Kafka and deletes the row.';
COMMENT ON COLUMN outbox.id IS 'Event id, a UUIDv7.';
COMMENT ON COLUMN outbox.topic IS 'Kafka topic.';
COMMENT ON COLUMN outbox.key IS 'Kafka key: the order id.';
COMMENT ON COLUMN outbox.message IS 'Full name of the protobuf message in payload.';
COMMENT ON COLUMN outbox.payload IS 'Encoded protobuf message.';
COMMENT ON COLUMN outbox.traceparent IS 'W3C trace context of the cause of the event. NULL: none.';
COMMENT ON COLUMN outbox.created_at IS 'Time of the transaction that inserted the row.';
