ALTER TABLE inventory_changes ADD COLUMN version bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN inventory_changes.version IS
    'Version of the stock that the change created: the order of the entries of a product, whatever '
    'the clocks of the replicas. 0: older than this column, in order of id.';

CREATE FUNCTION set_ledger_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT version INTO STRICT NEW.version FROM inventory WHERE product_id = NEW.product_id;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION set_ledger_version IS
    'Trigger function of inventory_changes: copies the version of the stock, which the same '
    'transaction has updated.';
CREATE TRIGGER set_ledger_version BEFORE INSERT ON inventory_changes
    FOR EACH ROW EXECUTE FUNCTION set_ledger_version();
