DROP TRIGGER set_ledger_version ON inventory_changes;
DROP FUNCTION set_ledger_version;
ALTER TABLE inventory_changes DROP COLUMN version;
