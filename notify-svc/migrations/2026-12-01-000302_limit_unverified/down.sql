ALTER TABLE notifications DROP COLUMN over_limit;
