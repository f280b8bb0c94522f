ALTER TABLE products ADD COLUMN creation_fingerprint bytea;
COMMENT ON COLUMN products.creation_fingerprint IS
    'SHA-256 of the fields that the product was created with, if the request had an idempotency key.';
