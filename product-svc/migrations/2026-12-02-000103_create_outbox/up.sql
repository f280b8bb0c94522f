CREATE TABLE outbox (
    id          uuid        PRIMARY KEY,
    topic       text        NOT NULL,
    key         text        NOT NULL,
    message     text        NOT NULL,
    payload     bytea       NOT NULL,
    traceparent text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    attempts    integer     NOT NULL DEFAULT 0,
    retry_at    timestamptz NOT NULL DEFAULT '-infinity'
    -- Room for the new version of a row that a relay claims.
) WITH (fillfactor = 50);

COMMENT ON TABLE outbox IS
    'Events that are not published yet: rows of the transaction that caused them. The relay publishes and deletes them.';
COMMENT ON COLUMN outbox.id IS 'Event id, a UUIDv7.';
COMMENT ON COLUMN outbox.topic IS 'Kafka topic.';
COMMENT ON COLUMN outbox.key IS 'Kafka key: the id of the subject.';
COMMENT ON COLUMN outbox.message IS 'Full name of the protobuf message in payload.';
COMMENT ON COLUMN outbox.payload IS 'Encoded protobuf message.';
COMMENT ON COLUMN outbox.traceparent IS 'W3C trace context of the cause of the event. NULL: none.';
COMMENT ON COLUMN outbox.created_at IS 'Time of the transaction that inserted the row.';
COMMENT ON COLUMN outbox.attempts IS 'Failed attempts to publish the event.';
COMMENT ON COLUMN outbox.retry_at IS
    'Nobody publishes the event before: the end of the lease of the relay that claimed it last, or of the delay after a failed attempt.';
