CREATE INDEX CONCURRENTLY IF NOT EXISTS inventory_low ON inventory (product_id) WHERE is_low;
