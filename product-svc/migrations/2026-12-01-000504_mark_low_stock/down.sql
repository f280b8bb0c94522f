ALTER TABLE inventory DROP COLUMN is_low;
