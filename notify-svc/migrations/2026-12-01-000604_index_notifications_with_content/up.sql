CREATE INDEX CONCURRENTLY IF NOT EXISTS notifications_with_content
    ON notifications (id) WHERE payload <> '';
