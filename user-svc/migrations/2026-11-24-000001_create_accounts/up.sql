CREATE TABLE users (
    id             uuid        PRIMARY KEY,
    email          text        NOT NULL,
    email_key      text        NOT NULL CONSTRAINT users_email_key UNIQUE,
    password_hash  text        NOT NULL,
    display_name   text        NOT NULL,
    role           text        NOT NULL CHECK (role IN ('customer', 'admin')),
    email_verified boolean     NOT NULL DEFAULT false,
    disabled_at    timestamptz,
    created_at     timestamptz NOT NULL
);
COMMENT ON TABLE  users                IS 'Accounts of people.';
COMMENT ON COLUMN users.id             IS 'UUIDv7; sub of its access tokens.';
COMMENT ON COLUMN users.email          IS 'Address as it was typed.';
COMMENT ON COLUMN users.email_key      IS 'The address in lower case, by which it is compared. Made by the program: lower() depends on the locale of the cluster.';
COMMENT ON COLUMN users.password_hash  IS 'Argon2id, in the PHC string format, with its own parameters.';
COMMENT ON COLUMN users.display_name   IS 'How the shop addresses the person.';
COMMENT ON COLUMN users.role           IS 'What the account may do.';
COMMENT ON COLUMN users.email_verified IS 'Whether the owner has followed a link mailed to the address.';
COMMENT ON COLUMN users.disabled_at    IS 'When an admin shut the account out; null: it is not.';
COMMENT ON COLUMN users.created_at     IS 'When it was created.';

CREATE TABLE sessions (
    id         uuid        PRIMARY KEY,
    user_id    uuid        NOT NULL REFERENCES users,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
COMMENT ON TABLE  sessions            IS 'Log-ins: each is a family of refresh tokens, revoked as one.';
COMMENT ON COLUMN sessions.id         IS 'UUIDv7; sid of its access tokens.';
COMMENT ON COLUMN sessions.user_id    IS 'Whose.';
COMMENT ON COLUMN sessions.created_at IS 'When the account logged in.';
COMMENT ON COLUMN sessions.expires_at IS 'When its newest refresh token runs off: none of the family outlives it. Deleted some time later.';
COMMENT ON COLUMN sessions.revoked_at IS 'When it was ended by a log-out or because a used token came back; null: it was not.';
CREATE INDEX sessions_by_user ON sessions (user_id) WHERE revoked_at IS NULL;
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE refresh_tokens (
    hash       bytea       PRIMARY KEY CHECK (length(hash) = 32),
    session_id uuid        NOT NULL REFERENCES sessions ON DELETE CASCADE,
    cookie     boolean     NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
COMMENT ON TABLE  refresh_tokens            IS 'Refresh tokens, each good for one use. Used ones stay, so that one that comes back is known.';
COMMENT ON COLUMN refresh_tokens.hash       IS 'SHA-256 of the token, which has 256 random bits.';
COMMENT ON COLUMN refresh_tokens.session_id IS 'The family.';
COMMENT ON COLUMN refresh_tokens.cookie     IS 'Whether it was handed out in a cookie: such a one may come back for a short time.';
COMMENT ON COLUMN refresh_tokens.expires_at IS 'When it runs off. Deleted some time later.';
COMMENT ON COLUMN refresh_tokens.used_at    IS 'When it was first used; null: it was not.';
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);
CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at);

CREATE TABLE api_clients (
    id          uuid        PRIMARY KEY,
    name        text        NOT NULL,
    role        text        NOT NULL CHECK (role IN ('customer', 'admin')),
    secret_hash bytea       NOT NULL CHECK (length(secret_hash) = 32),
    created_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE  api_clients             IS 'Internal systems that act in their own name.';
COMMENT ON COLUMN api_clients.id          IS 'UUIDv7: the client_id; sub of its access tokens.';
COMMENT ON COLUMN api_clients.name        IS 'For people. Several may have the same, so that a secret can be changed without a gap.';
COMMENT ON COLUMN api_clients.role        IS 'What the system may do.';
COMMENT ON COLUMN api_clients.secret_hash IS 'SHA-256 of the client_secret, which has 256 random bits.';
COMMENT ON COLUMN api_clients.created_at  IS 'When it was created.';

CREATE TABLE tries (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind       text        NOT NULL,
    subject    bytea       NOT NULL CHECK (length(subject) = 32),
    created_at timestamptz NOT NULL
);
COMMENT ON TABLE  tries            IS 'Tries that count against a limit. Deleted once they no longer do.';
COMMENT ON COLUMN tries.id         IS 'Any number.';
COMMENT ON COLUMN tries.kind       IS 'Which limit.';
COMMENT ON COLUMN tries.subject    IS 'SHA-256 of whom it limits: an address in lower case (of an account or of none), an API client, a network.';
COMMENT ON COLUMN tries.created_at IS 'When.';
CREATE INDEX tries_by_subject ON tries (kind, subject, created_at DESC);
CREATE INDEX tries_by_age ON tries (created_at);

CREATE TABLE outbox (
    id          uuid        PRIMARY KEY,
    topic       text        NOT NULL,
    key         text        NOT NULL,
    message     text        NOT NULL,
    payload     bytea       NOT NULL,
    traceparent text,
    created_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE  outbox             IS 'Events that are to be published: rows of the transaction that caused them, until the broker has them.';
COMMENT ON COLUMN outbox.id          IS 'UUIDv7.';
COMMENT ON COLUMN outbox.topic       IS 'Kafka topic.';
COMMENT ON COLUMN outbox.key         IS 'Id of what the event is about.';
COMMENT ON COLUMN outbox.message     IS 'Full name of the message.';
COMMENT ON COLUMN outbox.payload     IS 'The message, encoded.';
COMMENT ON COLUMN outbox.traceparent IS 'W3C trace context of the call that caused it.';
COMMENT ON COLUMN outbox.created_at  IS 'When.';
