CREATE EXTENSION IF NOT EXISTS fuzzystrmatch;

CREATE TABLE products (
    id          uuid        PRIMARY KEY,
    sku         text        NOT NULL CONSTRAINT products_sku_key UNIQUE,
    slug        text        NOT NULL CONSTRAINT products_slug_key UNIQUE,
    name        text        NOT NULL,
    description text        NOT NULL,
    category    text        NOT NULL,
    price_minor bigint      NOT NULL CHECK (price_minor > 0),
    image_url   text        NOT NULL,
    archived    boolean     NOT NULL DEFAULT false,
    version     bigint      NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    sort_name   text COLLATE "C" NOT NULL GENERATED ALWAYS AS (lower(name)) STORED,
    search      tsvector    NOT NULL GENERATED ALWAYS AS (
        setweight(to_tsvector('simple', name || ' ' || sku), 'A') ||
        setweight(to_tsvector('simple', description), 'B')
    ) STORED
);
COMMENT ON TABLE  products             IS 'The catalogue. A product is archived, never deleted: orders and the ledger speak of it.';
COMMENT ON COLUMN products.id          IS 'UUIDv7, or derived from the request that created it.';
COMMENT ON COLUMN products.sku         IS 'Stock-keeping unit: the name that an import knows a product by.';
COMMENT ON COLUMN products.slug        IS 'Name in URLs.';
COMMENT ON COLUMN products.name        IS 'For people.';
COMMENT ON COLUMN products.description IS 'Plain text.';
COMMENT ON COLUMN products.category    IS 'Slug of the category.';
COMMENT ON COLUMN products.price_minor IS 'Price of one, in minor units of the currency of the shop.';
COMMENT ON COLUMN products.image_url   IS 'Path of the picture under /images/, or empty.';
COMMENT ON COLUMN products.archived    IS 'Whether it was taken off sale.';
COMMENT ON COLUMN products.version     IS 'Grows with each change: the etag.';
COMMENT ON COLUMN products.created_at  IS 'When it was created.';
COMMENT ON COLUMN products.updated_at  IS 'When it was last changed.';
COMMENT ON COLUMN products.sort_name   IS 'Order of names, the same on every machine.';
COMMENT ON COLUMN products.search      IS 'Words of name and SKU (A) and description (B).';

CREATE INDEX products_by_name ON products (sort_name, id) WHERE NOT archived;
CREATE INDEX products_by_price ON products (price_minor, id) WHERE NOT archived;
CREATE INDEX products_by_age ON products (created_at DESC, id DESC) WHERE NOT archived;
CREATE INDEX products_by_category ON products (category, sort_name, id) WHERE NOT archived;
CREATE INDEX products_by_word ON products USING gin (search);

CREATE TABLE search_words (
    word text COLLATE "C" PRIMARY KEY
);
COMMENT ON TABLE  search_words      IS 'Every word that a product has or had: what a misspelt word is compared with.';
COMMENT ON COLUMN search_words.word IS 'A lexeme of products.search.';

CREATE FUNCTION remember_search_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO search_words SELECT unnest(tsvector_to_array(NEW.search)) AS word ORDER BY word
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER remember_search_words AFTER INSERT OR UPDATE OF name, sku, description ON products
    FOR EACH ROW EXECUTE FUNCTION remember_search_words();

CREATE TABLE inventory (
    product_id          uuid        PRIMARY KEY REFERENCES products,
    on_hand             integer     NOT NULL DEFAULT 0,
    held                integer     NOT NULL DEFAULT 0,
    low_stock_threshold integer     NOT NULL DEFAULT 5 CHECK (low_stock_threshold >= 0),
    version             bigint      NOT NULL DEFAULT 1,
    updated_at          timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT inventory_held_within_on_hand CHECK (held BETWEEN 0 AND on_hand)
) WITH (fillfactor = 50);
COMMENT ON TABLE  inventory                     IS 'The stock of each product: one narrow row, since every checkout writes it.';
COMMENT ON COLUMN inventory.product_id          IS 'The product.';
COMMENT ON COLUMN inventory.on_hand             IS 'In the house, held or not. Equals the sum of the ledger.';
COMMENT ON COLUMN inventory.held                IS 'Held by checkouts under way.';
COMMENT ON COLUMN inventory.low_stock_threshold IS 'At this many available or fewer, stock is low.';
COMMENT ON COLUMN inventory.version             IS 'Grows with each change of on_hand or the threshold: the etag.';
COMMENT ON COLUMN inventory.updated_at          IS 'When on_hand or the threshold was last changed.';

CREATE TABLE inventory_changes (
    id            uuid        PRIMARY KEY,
    product_id    uuid        NOT NULL REFERENCES inventory,
    delta         integer     NOT NULL,
    on_hand_after integer     NOT NULL CHECK (on_hand_after >= 0),
    reason        smallint    NOT NULL,
    note          text        NOT NULL DEFAULT '',
    actor_id      uuid,
    order_id      uuid,
    created_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT inventory_changes_once_an_order UNIQUE (order_id, product_id, reason)
);
COMMENT ON TABLE  inventory_changes               IS 'The ledger: one row for each change of on_hand. Only ever added to.';
COMMENT ON COLUMN inventory_changes.id            IS 'UUIDv7: the order of the rows of a product.';
COMMENT ON COLUMN inventory_changes.product_id    IS 'The product.';
COMMENT ON COLUMN inventory_changes.delta         IS 'What was added to on_hand.';
COMMENT ON COLUMN inventory_changes.on_hand_after IS 'on_hand after the change.';
COMMENT ON COLUMN inventory_changes.reason        IS 'Number of the contract''s InventoryChangeReason.';
COMMENT ON COLUMN inventory_changes.note          IS 'What the admin noted.';
COMMENT ON COLUMN inventory_changes.actor_id      IS 'The account or API client; null: the system.';
COMMENT ON COLUMN inventory_changes.order_id      IS 'The order that took or gave back the goods.';
COMMENT ON COLUMN inventory_changes.created_at    IS 'When.';
CREATE INDEX inventory_changes_by_product ON inventory_changes (product_id, id DESC);

CREATE TABLE inventory_requests (
    actor_id    uuid        NOT NULL,
    request_id  uuid        NOT NULL,
    fingerprint bytea       NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT inventory_requests_pkey PRIMARY KEY (actor_id, request_id)
);
COMMENT ON TABLE  inventory_requests             IS 'Updates of stock that were made: each once, however often it is asked for.';
COMMENT ON COLUMN inventory_requests.actor_id    IS 'The account or API client.';
COMMENT ON COLUMN inventory_requests.request_id  IS 'The id that it gave the update.';
COMMENT ON COLUMN inventory_requests.fingerprint IS 'SHA-256 of what was asked.';
COMMENT ON COLUMN inventory_requests.created_at  IS 'When.';

CREATE TABLE reservations (
    order_id     uuid        PRIMARY KEY,
    fingerprint  bytea       NOT NULL CHECK (length(fingerprint) = 32),
    state        text        NOT NULL DEFAULT 'HELD'
                             CHECK (state IN ('HELD', 'COMMITTED', 'RETURNED', 'RELEASED')),
    product_ids  uuid[]      NOT NULL,
    names        text[]      NOT NULL,
    quantities   integer[]   NOT NULL,
    prices_minor bigint[]    NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CHECK (cardinality(product_ids) BETWEEN 1 AND 50
           AND cardinality(names) = cardinality(product_ids)
           AND cardinality(quantities) = cardinality(product_ids)
           AND cardinality(prices_minor) = cardinality(product_ids))
) WITH (fillfactor = 80);
COMMENT ON TABLE  reservations              IS 'Stock held for a checkout and what became of it. Never deleted: a message about it may come at any time.';
COMMENT ON COLUMN reservations.order_id     IS 'Derived by order-svc from customer and request.';
COMMENT ON COLUMN reservations.fingerprint  IS 'SHA-256 of all that the customer asked for.';
COMMENT ON COLUMN reservations.state        IS 'HELD, then COMMITTED, RETURNED or RELEASED; COMMITTED, then RETURNED.';
COMMENT ON COLUMN reservations.product_ids  IS 'The products, in the order asked.';
COMMENT ON COLUMN reservations.names        IS 'Their names as sold.';
COMMENT ON COLUMN reservations.quantities   IS 'How many of each.';
COMMENT ON COLUMN reservations.prices_minor IS 'Price of one of each as sold, in minor units.';
COMMENT ON COLUMN reservations.created_at   IS 'When the stock was held.';
CREATE INDEX reservations_held ON reservations (created_at) WHERE state = 'HELD';
