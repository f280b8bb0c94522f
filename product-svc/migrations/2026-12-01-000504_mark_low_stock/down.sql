DROP TRIGGER set_is_low ON inventory;
DROP FUNCTION set_is_low;
ALTER TABLE inventory DROP COLUMN is_low;
