COMMENT ON TABLE users IS 'Accounts of people. A row is never deleted.';
COMMENT ON COLUMN users.id IS 'Account id, a UUIDv7. Claim sub of the access tokens.';
COMMENT ON COLUMN users.email IS 'Email address as entered.';
COMMENT ON COLUMN users.email_key IS
    'Email address in lower case, by which addresses are compared. user-svc computes it, because '
    'lower() depends on the locale of the database.';
COMMENT ON COLUMN users.password_hash IS
    'Argon2id hash in PHC string format, which includes the parameters.';
COMMENT ON COLUMN users.display_name IS 'Name of the person, used in pages and mails.';
COMMENT ON COLUMN users.role IS 'Role of the account: customer or admin.';
COMMENT ON COLUMN users.email_verified IS
    'Whether the owner has followed a link mailed to the address.';
COMMENT ON COLUMN users.disabled_at IS
    'Time at which an admin disabled the account. NULL: the account is enabled.';
COMMENT ON COLUMN users.created_at IS 'Time at which the account was created.';

COMMENT ON TABLE sessions IS
    'Logins of accounts. Each session has one refresh-token family, which is revoked as a whole.';
COMMENT ON COLUMN sessions.id IS 'Session id, a UUIDv7. Claim sid of the access tokens.';
COMMENT ON COLUMN sessions.user_id IS 'Account that logged in.';
COMMENT ON COLUMN sessions.created_at IS 'Time of the login.';
COMMENT ON COLUMN sessions.refreshed_at IS
    'Time of the latest refresh. Before the first refresh: time of the login.';
COMMENT ON COLUMN sessions.expires_at IS
    'Expiry of the session and of its newest refresh token. Each refresh extends it. A periodic '
    'task deletes expired rows.';
COMMENT ON COLUMN sessions.revoked_at IS
    'Time of the revocation, for example by a logout, a new password or a reused refresh token. '
    'NULL: not revoked.';
COMMENT ON COLUMN sessions.user_agent IS
    'Header user-agent of the login, at most 200 characters, for display. Empty: unknown.';

COMMENT ON TABLE refresh_tokens IS
    'Refresh tokens, each valid for one use. A used token is kept until it expires, so that its '
    'reuse is detected.';
COMMENT ON COLUMN refresh_tokens.hash IS 'SHA-256 of the token, which has 256 random bits.';
COMMENT ON COLUMN refresh_tokens.session_id IS 'Session whose family the token belongs to.';
COMMENT ON COLUMN refresh_tokens.cookie IS
    'Whether the token was issued in a cookie. Such a token can be reused shortly after its first '
    'use, because a page reload may lose the response.';
COMMENT ON COLUMN refresh_tokens.expires_at IS 'Expiry. A periodic task deletes expired rows.';
COMMENT ON COLUMN refresh_tokens.used_at IS 'Time of the first use. NULL: not used.';

COMMENT ON TABLE api_clients IS
    'API clients: internal systems that act in their own name, with their own role and secret.';
COMMENT ON COLUMN api_clients.id IS
    'Client id: a UUIDv5 of the creator and its request_id, or a UUIDv7 without a request_id. '
    'Claim sub of the access tokens.';
COMMENT ON COLUMN api_clients.name IS
    'Display name. Not unique, so that a second client can replace the first one without '
    'downtime.';
COMMENT ON COLUMN api_clients.role IS 'Role of the client: customer or admin.';
COMMENT ON COLUMN api_clients.secret_hash IS
    'SHA-256 of the client secret, which has 256 random bits.';
COMMENT ON COLUMN api_clients.created_at IS 'Time at which the client was created.';

COMMENT ON TABLE tries IS
    'Attempts that count towards a throttling limit. A password reset deletes the failed logins '
    'of the account; a periodic task deletes attempts older than every window.';
COMMENT ON COLUMN tries.id IS 'Surrogate key.';
COMMENT ON COLUMN tries.kind IS 'Name of the limit, for example login or reset_mail.';
COMMENT ON COLUMN tries.subject IS
    'SHA-256 of the limited subject: an email address in lower case, with or without an account, '
    'the id of an API client, or a network.';
COMMENT ON COLUMN tries.created_at IS 'Time of the attempt.';

COMMENT ON TABLE links IS
    'Mailed links, at most one per account and purpose: a new link replaces the previous one. A '
    'row is deleted when its link is used, revoked or expired.';
COMMENT ON COLUMN links.user_id IS 'Account that the link was mailed to.';
COMMENT ON COLUMN links.purpose IS
    'Effect of the link: reset_password sets a new password, verify_email verifies the address.';
COMMENT ON COLUMN links.hash IS 'SHA-256 of the token in the link, which has 256 random bits.';
COMMENT ON COLUMN links.expires_at IS 'Expiry. A periodic task deletes expired rows.';

COMMENT ON TABLE outbox IS
    'Events to publish. The transaction that causes an event inserts its row. The relay publishes '
    'the event to Kafka and deletes the row.';
COMMENT ON COLUMN outbox.id IS 'Event id, a UUIDv7.';
COMMENT ON COLUMN outbox.topic IS 'Kafka topic.';
COMMENT ON COLUMN outbox.key IS 'Kafka key: the account id.';
COMMENT ON COLUMN outbox.message IS 'Full name of the protobuf message in payload.';
COMMENT ON COLUMN outbox.payload IS 'Encoded protobuf message.';
COMMENT ON COLUMN outbox.traceparent IS 'W3C trace context of the cause of the event. NULL: none.';
COMMENT ON COLUMN outbox.created_at IS 'Time of the transaction that inserted the row.';
