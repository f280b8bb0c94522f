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
) WITH (fillfactor = 50);

CREATE TABLE notes (
    id     bigint PRIMARY KEY,
    body   text   NOT NULL,
    author text
);

-- Long enough that concurrent migrations overlap.
SELECT pg_sleep(0.2);
