ALTER TABLE checkouts ADD COLUMN customer_email_verified boolean;
COMMENT ON COLUMN checkouts.customer_email_verified IS
    'Whether the customer''s email address was verified at the time of the order. NULL, as in '
    'orders from before this column and in tombstones: not known, treated as false.';
CREATE OR REPLACE VIEW orders AS SELECT * FROM checkouts WHERE state <> 'ABANDONED';
