-- An index with a condition on held would get a new entry at each checkout. The value of this column
-- changes only when stock becomes low or is no longer low. A generated column would rewrite the
-- table while checkouts wait. Older stock counts as low until a later migration corrects it.
ALTER TABLE inventory ADD COLUMN is_low boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN inventory.is_low IS 'Whether stock is low or out. A trigger sets it.';

CREATE FUNCTION set_is_low() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.is_low := NOT NEW.is_low;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION set_is_low IS
    'Trigger function of inventory: corrects is_low when stock becomes low or is no longer low.';
CREATE TRIGGER set_is_low BEFORE INSERT OR UPDATE ON inventory FOR EACH ROW
    WHEN (NEW.is_low <> (NEW.on_hand - NEW.held <= NEW.low_stock_threshold))
    EXECUTE FUNCTION set_is_low();
