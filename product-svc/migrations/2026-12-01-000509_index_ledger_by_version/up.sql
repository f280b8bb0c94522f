CREATE INDEX CONCURRENTLY IF NOT EXISTS inventory_changes_by_version
    ON inventory_changes (product_id, version DESC, id DESC);
