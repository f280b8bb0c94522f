DROP INDEX CONCURRENTLY IF EXISTS notifications_with_content;
