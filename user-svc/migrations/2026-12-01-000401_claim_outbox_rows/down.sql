ALTER TABLE outbox
    DROP COLUMN attempts,
    DROP COLUMN retry_at,
    RESET (fillfactor);
