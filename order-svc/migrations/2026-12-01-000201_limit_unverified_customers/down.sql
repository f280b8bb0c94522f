DROP VIEW orders;
ALTER TABLE checkouts DROP COLUMN customer_email_verified;
CREATE VIEW orders AS SELECT * FROM checkouts WHERE state <> 'ABANDONED';
