COMMENT ON TABLE sessions IS
    'Logins of accounts. Each session has one refresh-token family, which is revoked as a whole. An '
    'account has at most 50 active sessions, and at most 50 that have ended: a login deletes older '
    'ones.';
COMMENT ON COLUMN sessions.expires_at IS
    'Expiry of the session and of its newest refresh token. Each refresh extends it, up to an age '
    'that depends on the role. A periodic task deletes expired rows.';
COMMENT ON TABLE refresh_tokens IS
    'Refresh tokens, each valid for one use. The last 20 used tokens of a session are kept, so that '
    'their reuse is detected.';
COMMENT ON COLUMN refresh_tokens.expires_at IS 'Expiry. The row is deleted with its session.';
COMMENT ON COLUMN refresh_tokens.used_at IS
    'Time of the first use, or of the refresh that issued a newer token of the family. NULL: neither.';
