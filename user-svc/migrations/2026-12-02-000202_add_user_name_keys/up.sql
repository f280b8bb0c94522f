-- The program makes name_key, because ILIKE and lower() of two databases differ. A program before
-- this migration leaves keyed_name behind, and user-svc makes the key later.
ALTER TABLE users
    ADD COLUMN name_key   text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN keyed_name text NOT NULL DEFAULT '';
COMMENT ON COLUMN users.name_key IS
    'Folded display name, by which ListUsers finds the account. Made by user-svc.';
COMMENT ON COLUMN users.keyed_name IS 'The display name that name_key is made of.';
CREATE INDEX users_without_name_key ON users (id) WHERE keyed_name <> display_name;
