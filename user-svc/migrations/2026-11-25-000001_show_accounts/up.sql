ALTER TABLE sessions
    ADD COLUMN refreshed_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN user_agent   text        NOT NULL DEFAULT '';
UPDATE sessions SET refreshed_at = created_at;
COMMENT ON COLUMN sessions.refreshed_at IS 'When it last got an access token.';
COMMENT ON COLUMN sessions.user_agent   IS 'What the client called itself at log-in, cut short; for people.';

-- Lists for admins: by a part of address or name, and by role.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX users_by_text ON users USING gin (email_key gin_trgm_ops, display_name gin_trgm_ops);
CREATE INDEX users_by_role ON users (role, id);
CREATE INDEX api_clients_by_age ON api_clients (created_at, id);
COMMENT ON COLUMN api_clients.id IS 'UUIDv7, or derived from the request that created it: the client_id; sub of its access tokens.';
