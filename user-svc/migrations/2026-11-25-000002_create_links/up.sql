CREATE TABLE links (
    user_id    uuid        NOT NULL REFERENCES users,
    purpose    text        NOT NULL CHECK (purpose IN ('reset_password', 'verify_email')),
    hash       bytea       NOT NULL CONSTRAINT links_hash_key UNIQUE CHECK (length(hash) = 32),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, purpose)
);
COMMENT ON TABLE  links            IS 'Links mailed to accounts that were not followed yet: of each kind the newest. Deleted when it is followed or has expired.';
COMMENT ON COLUMN links.user_id    IS 'Whose.';
COMMENT ON COLUMN links.purpose    IS 'What it is for.';
COMMENT ON COLUMN links.hash       IS 'SHA-256 of its token, which has 256 random bits.';
COMMENT ON COLUMN links.expires_at IS 'When it is good for nothing any more.';
CREATE INDEX links_by_expiry ON links (expires_at);
COMMENT ON COLUMN sessions.revoked_at IS 'When it was ended before it ran off; null: it was not.';
