CREATE TABLE devices (
    user_id uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
    hash    bytea       NOT NULL CHECK (length(hash) = 32),
    used_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, hash)
);
COMMENT ON TABLE devices IS
    'Devices that logged in to an account. Failed logins of strangers never lock them out. Of each '
    'account the most recently used ones are kept; a periodic task deletes old ones.';
COMMENT ON COLUMN devices.user_id IS 'Account that the device logged in to.';
COMMENT ON COLUMN devices.hash IS 'SHA-256 of the device token, which has 256 random bits.';
COMMENT ON COLUMN devices.used_at IS 'Time of the latest login.';
CREATE INDEX devices_by_age ON devices (used_at);

COMMENT ON COLUMN tries.subject IS
    'SHA-256 of the limited subject: an email address in lower case, with or without an account, '
    'a device, or a network.';
