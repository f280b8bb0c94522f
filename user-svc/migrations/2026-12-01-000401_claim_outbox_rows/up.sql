ALTER TABLE outbox
    ADD COLUMN attempts integer NOT NULL DEFAULT 0,
    ADD COLUMN retry_at timestamptz NOT NULL DEFAULT '-infinity',
    -- Room for the new version of a row that a relay claims.
    SET (fillfactor = 50);

COMMENT ON COLUMN outbox.attempts IS 'Failed attempts to publish the event.';
COMMENT ON COLUMN outbox.retry_at IS
    'Nobody publishes the event before: the end of the lease of the relay that claimed it last, or of the delay after a failed attempt.';
