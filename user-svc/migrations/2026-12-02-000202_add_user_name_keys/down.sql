DROP INDEX users_without_name_key;
ALTER TABLE users DROP COLUMN name_key, DROP COLUMN keyed_name;
