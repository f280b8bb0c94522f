CREATE TABLE checkouts (
    order_id       uuid        PRIMARY KEY,
    state          text        NOT NULL
                   CHECK (state IN ('CONFIRMED', 'SHIPPED', 'CANCELLED', 'ABANDONED')),
    created_at     timestamptz NOT NULL DEFAULT now(),
    request_id     uuid,
    fingerprint    bytea       CHECK (length(fingerprint) = 32),
    customer_id    uuid,
    customer_email text,
    customer_name  text,
    mail_state     text        CHECK (mail_state IN ('NONE', 'PENDING', 'SENT', 'FAILED')),
    mail_version   bigint,
    product_ids    uuid[],
    names          text[],
    quantities     integer[],
    prices_minor   bigint[],
    total_minor    bigint      CHECK (total_minor >= 0),
    full_name      text,
    street         text,
    city           text,
    postal_code    text,
    country_code   text,
    CONSTRAINT checkouts_order_or_tombstone CHECK (
        num_nulls(request_id, fingerprint, customer_id, customer_email, customer_name,
                  mail_state, mail_version, product_ids, names, quantities, prices_minor,
                  total_minor, full_name, street, city, postal_code, country_code)
        = CASE state WHEN 'ABANDONED' THEN 17 ELSE 0 END),
    CONSTRAINT checkouts_items CHECK (
        cardinality(product_ids) BETWEEN 1 AND 50
        AND cardinality(names) = cardinality(product_ids)
        AND cardinality(quantities) = cardinality(product_ids)
        AND cardinality(prices_minor) = cardinality(product_ids))
) WITH (fillfactor = 80);
COMMENT ON TABLE  checkouts                IS 'What became of each checkout: an order, or a tombstone that keeps one from ever being written. One key for both, so that never both stand. Never deleted: a message about it may come at any time.';
COMMENT ON COLUMN checkouts.order_id       IS 'UUIDv5 of customer and request: that key is what makes the two unique.';
COMMENT ON COLUMN checkouts.state          IS 'CONFIRMED, then SHIPPED or CANCELLED; a tombstone is ABANDONED and has no order''s columns.';
COMMENT ON COLUMN checkouts.created_at     IS 'When the order was placed or the tombstone written.';
COMMENT ON COLUMN checkouts.request_id     IS 'UUID that the client gave the purchase.';
COMMENT ON COLUMN checkouts.fingerprint    IS 'SHA-256 of all that the customer asked for.';
COMMENT ON COLUMN checkouts.customer_id    IS 'The account or API client.';
COMMENT ON COLUMN checkouts.customer_email IS 'Its address when the order was placed; an API client''s is empty.';
COMMENT ON COLUMN checkouts.customer_name  IS 'Its name when the order was placed.';
COMMENT ON COLUMN checkouts.mail_state     IS 'What became of the confirmation mail. NONE: there is no address to mail to.';
COMMENT ON COLUMN checkouts.mail_version   IS 'Version of mail_state, by notify-svc; the greater tells.';
COMMENT ON COLUMN checkouts.product_ids    IS 'The products, in the order asked.';
COMMENT ON COLUMN checkouts.names          IS 'Their names as sold.';
COMMENT ON COLUMN checkouts.quantities     IS 'How many of each.';
COMMENT ON COLUMN checkouts.prices_minor   IS 'Price of one of each as sold, in minor units of the currency of the shop.';
COMMENT ON COLUMN checkouts.total_minor    IS 'Sum of price × quantity.';
COMMENT ON COLUMN checkouts.full_name      IS 'Address: to whom.';
COMMENT ON COLUMN checkouts.street         IS 'Address: street and number.';
COMMENT ON COLUMN checkouts.city           IS 'Address: city.';
COMMENT ON COLUMN checkouts.postal_code    IS 'Address: postal code.';
COMMENT ON COLUMN checkouts.country_code   IS 'Address: ISO 3166-1 alpha-2.';

CREATE VIEW orders AS SELECT * FROM checkouts WHERE state <> 'ABANDONED';
COMMENT ON VIEW orders IS 'The orders, without tombstones. Its condition is that of the partial indexes.';

-- Each list is read in the order of an index, so that its last page costs what its
-- first does. State comes first where all orders are listed: a page is put together
-- from one page of each state asked for.
CREATE INDEX orders_of_customer ON checkouts (customer_id, created_at, order_id)
    WHERE state <> 'ABANDONED';
CREATE INDEX orders_by_time ON checkouts (state, created_at, order_id)
    WHERE state <> 'ABANDONED';
CREATE INDEX orders_by_total ON checkouts (state, total_minor, order_id)
    WHERE state <> 'ABANDONED';
CREATE INDEX orders_of_email ON checkouts (lower(customer_email), created_at, order_id)
    WHERE state <> 'ABANDONED';
CREATE INDEX orders_of_product ON checkouts USING gin (product_ids)
    WHERE state <> 'ABANDONED';

CREATE TABLE order_history (
    order_id   uuid        NOT NULL REFERENCES checkouts,
    state      text        NOT NULL CHECK (state IN ('SHIPPED', 'CANCELLED')),
    actor_id   uuid        NOT NULL,
    actor_role text        NOT NULL CHECK (actor_role IN ('CUSTOMER', 'ADMIN')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (order_id, state)
);
COMMENT ON TABLE  order_history            IS 'States that an order came into after its birth, which its own row tells.';
COMMENT ON COLUMN order_history.order_id   IS 'The order.';
COMMENT ON COLUMN order_history.state      IS 'The state.';
COMMENT ON COLUMN order_history.actor_id   IS 'The account or API client that did it.';
COMMENT ON COLUMN order_history.actor_role IS 'As what it did so.';
COMMENT ON COLUMN order_history.created_at IS 'When.';

CREATE TABLE outbox (
    id          uuid        PRIMARY KEY,
    topic       text        NOT NULL,
    key         text        NOT NULL,
    message     text        NOT NULL,
    payload     bytea       NOT NULL,
    traceparent text,
    created_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE  outbox             IS 'Events that wait for the relay.';
COMMENT ON COLUMN outbox.id          IS 'UUIDv7, the event_id.';
COMMENT ON COLUMN outbox.topic       IS 'Kafka topic.';
COMMENT ON COLUMN outbox.key         IS 'Kafka key: the order.';
COMMENT ON COLUMN outbox.message     IS 'Full name of the protobuf message.';
COMMENT ON COLUMN outbox.payload     IS 'The message, encoded.';
COMMENT ON COLUMN outbox.traceparent IS 'W3C trace context of what caused the event.';
COMMENT ON COLUMN outbox.created_at  IS 'When.';

CREATE TABLE uncounted_orders (
    order_id uuid     NOT NULL,
    sign     smallint NOT NULL CHECK (sign IN (1, -1)),
    PRIMARY KEY (order_id, sign)
);
COMMENT ON TABLE  uncounted_orders          IS 'Orders that no sum has yet, so that checkouts do not queue for the row of a sum. What is counted of an order never changes, so its own row tells it. No foreign key: the rows are made from rows of checkouts, and a key would be checked for each checkout.';
COMMENT ON COLUMN uncounted_orders.order_id IS 'The order.';
COMMENT ON COLUMN uncounted_orders.sign     IS '1: it was placed. -1: it was cancelled.';

CREATE TABLE order_sums (
    minutes       integer     NOT NULL,
    began_at      timestamptz NOT NULL,
    orders        bigint      NOT NULL,
    items         bigint      NOT NULL,
    revenue_minor bigint      NOT NULL,
    PRIMARY KEY (minutes, began_at)
) WITH (fillfactor = 50);
COMMENT ON TABLE  order_sums               IS 'Orders by when they were created, without cancelled ones: each is in one row of every length.';
COMMENT ON COLUMN order_sums.minutes       IS 'Length of the span: 15, 1440 (a day of UTC) or 43200 (thirty days since 1970).';
COMMENT ON COLUMN order_sums.began_at      IS 'First instant of the span.';
COMMENT ON COLUMN order_sums.orders        IS 'How many orders.';
COMMENT ON COLUMN order_sums.items         IS 'How many units.';
COMMENT ON COLUMN order_sums.revenue_minor IS 'Sum of their totals, in minor units.';

CREATE TABLE product_sums (
    minutes       integer     NOT NULL,
    began_at      timestamptz NOT NULL,
    product_id    uuid        NOT NULL,
    quantity      bigint      NOT NULL,
    revenue_minor bigint      NOT NULL,
    PRIMARY KEY (minutes, began_at, product_id)
) WITH (fillfactor = 50);
COMMENT ON TABLE  product_sums               IS 'As order_sums, for each product.';
COMMENT ON COLUMN product_sums.minutes       IS 'As in order_sums.';
COMMENT ON COLUMN product_sums.began_at      IS 'First instant of the span.';
COMMENT ON COLUMN product_sums.product_id    IS 'The product.';
COMMENT ON COLUMN product_sums.quantity      IS 'How many units.';
COMMENT ON COLUMN product_sums.revenue_minor IS 'Sum of price × quantity, in minor units.';

CREATE TABLE sold_products (
    product_id uuid        PRIMARY KEY,
    name       text        NOT NULL,
    sold_at    timestamptz NOT NULL
);
COMMENT ON TABLE  sold_products            IS 'Names of the products that the sums speak of.';
COMMENT ON COLUMN sold_products.product_id IS 'The product.';
COMMENT ON COLUMN sold_products.name       IS 'Its name as it was sold last.';
COMMENT ON COLUMN sold_products.sold_at    IS 'When that order was created.';
