-- An index with a condition on held would get a new entry at each checkout. The value of this column
-- changes only when stock becomes low or is no longer low.
ALTER TABLE inventory ADD COLUMN is_low boolean NOT NULL
    GENERATED ALWAYS AS (on_hand - held <= low_stock_threshold) STORED;
COMMENT ON COLUMN inventory.is_low IS 'Whether stock is low or out. Generated.';
CREATE INDEX inventory_low ON inventory (product_id) WHERE is_low;
