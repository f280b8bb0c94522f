ALTER TABLE products DROP COLUMN creation_fingerprint;
