DROP INDEX CONCURRENTLY IF EXISTS inventory_changes_by_version;
