COMMENT ON TABLE products IS
    'Catalogue. A product is archived and never deleted, because orders and ledger entries refer '
    'to it.';
COMMENT ON COLUMN products.id IS
    'Product id: a UUIDv5 of the creator and its request_id, or a UUIDv7 without a request_id.';
COMMENT ON COLUMN products.sku IS
    'Stock-keeping unit: the shop''s own unique code, by which an import identifies the product.';
COMMENT ON COLUMN products.slug IS 'Unique name of the product in URLs.';
COMMENT ON COLUMN products.name IS 'Display name.';
COMMENT ON COLUMN products.description IS 'Description, plain text.';
COMMENT ON COLUMN products.category IS 'Slug of the category.';
COMMENT ON COLUMN products.price_minor IS
    'Current price of one unit, in minor units of the shop''s currency.';
COMMENT ON COLUMN products.image_url IS 'URL path of the image below /images/. Empty: no image.';
COMMENT ON COLUMN products.archived IS 'Whether the product was withdrawn from sale.';
COMMENT ON COLUMN products.version IS 'Number that increases with each update. Source of the etag.';
COMMENT ON COLUMN products.created_at IS 'Time at which the product was created.';
COMMENT ON COLUMN products.updated_at IS 'Time of the last update.';
COMMENT ON COLUMN products.sort_name IS
    'Name in lower case, compared by code point: the sort key of lists by name. Generated.';
COMMENT ON COLUMN products.search IS
    'Search vector: words of name and SKU (weight A) and of description (weight B). Generated.';

COMMENT ON FUNCTION search_text IS
    'Replaces ASCII punctuation by spaces, so that a product text is split into the same words as '
    'a search query.';

COMMENT ON TABLE search_words IS
    'Words that a product has or had in its search vector. Typo-tolerant search looks up similar '
    'words here. Inserted by a trigger of products.';
COMMENT ON COLUMN search_words.word IS 'Lexeme of products.search.';

COMMENT ON FUNCTION remember_search_words IS
    'Trigger function of products: inserts the words of the search vector into search_words.';

COMMENT ON TABLE inventory IS
    'Stock, one row per product. The row is narrow, because every checkout updates it.';
COMMENT ON COLUMN inventory.product_id IS 'Product id.';
COMMENT ON COLUMN inventory.on_hand IS
    'Physical stock in units, held or not. Equals the sum of the deltas in inventory_changes.';
COMMENT ON COLUMN inventory.held IS 'Units claimed by reservations in state HELD.';
COMMENT ON COLUMN inventory.low_stock_threshold IS
    'Stock is low if no more than this number of units is available (on_hand - held).';
COMMENT ON COLUMN inventory.version IS
    'Number that increases with each change of on_hand or low_stock_threshold. Source of the '
    'etag.';
COMMENT ON COLUMN inventory.updated_at IS
    'Time of the last change of on_hand or low_stock_threshold.';

COMMENT ON TABLE inventory_changes IS
    'Inventory ledger: one entry for each change of on_hand. Append-only.';
COMMENT ON COLUMN inventory_changes.id IS
    'Entry id, a UUIDv7: the sort key of the entries of a product.';
COMMENT ON COLUMN inventory_changes.product_id IS 'Product id.';
COMMENT ON COLUMN inventory_changes.delta IS 'Units added to on_hand. Negative: units removed.';
COMMENT ON COLUMN inventory_changes.on_hand_after IS 'Value of on_hand after the change.';
COMMENT ON COLUMN inventory_changes.reason IS
    'Number of the InventoryChangeReason in the contract.';
COMMENT ON COLUMN inventory_changes.note IS 'Note of the admin. Empty: none.';
COMMENT ON COLUMN inventory_changes.actor_id IS
    'Account or API client that made the change. NULL: the system.';
COMMENT ON COLUMN inventory_changes.order_id IS
    'Order that was placed or cancelled. NULL: the change has another reason.';
COMMENT ON COLUMN inventory_changes.created_at IS 'Time of the change.';

COMMENT ON TABLE inventory_requests IS
    'Idempotency keys of stock updates. An update whose key exists is not applied again.';
COMMENT ON COLUMN inventory_requests.actor_id IS 'Account or API client that sent the update.';
COMMENT ON COLUMN inventory_requests.request_id IS 'Idempotency key, chosen by the client.';
COMMENT ON COLUMN inventory_requests.fingerprint IS
    'SHA-256 of the update. The same key with another fingerprint is rejected.';
COMMENT ON COLUMN inventory_requests.created_at IS 'Time of the update.';

COMMENT ON TABLE reservations IS
    'Reservations: the stock of each checkout. A row is never deleted, because a message about it '
    'can arrive at any time.';
COMMENT ON COLUMN reservations.order_id IS
    'Order id, derived by order-svc from customer and request_id.';
COMMENT ON COLUMN reservations.fingerprint IS 'SHA-256 of the order request.';
COMMENT ON COLUMN reservations.state IS
    'HELD changes to COMMITTED (order placed), RETURNED (order cancelled) or RELEASED (checkout '
    'abandoned). COMMITTED changes to RETURNED.';
COMMENT ON COLUMN reservations.product_ids IS
    'Product id of each line item, in the order of the request.';
COMMENT ON COLUMN reservations.names IS 'Product name of each line item at the time of the hold.';
COMMENT ON COLUMN reservations.quantities IS 'Units of each line item.';
COMMENT ON COLUMN reservations.prices_minor IS
    'Price of one unit of each line item at the time of the hold, in minor units of the shop''s '
    'currency.';
COMMENT ON COLUMN reservations.created_at IS 'Time of the hold.';
