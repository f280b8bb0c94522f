CREATE INDEX CONCURRENTLY IF NOT EXISTS sessions_of_account ON sessions (user_id, id);
