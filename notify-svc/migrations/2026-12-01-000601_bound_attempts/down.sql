ALTER TABLE deliveries DROP COLUMN unknown_count, DROP COLUMN first_attempt_at;
