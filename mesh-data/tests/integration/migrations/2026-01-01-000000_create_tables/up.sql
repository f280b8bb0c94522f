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

CREATE TABLE audit_entries (
    id           uuid        PRIMARY KEY,
    method       text        NOT NULL,
    actor_id     uuid        NOT NULL,
    actor_kind   text        NOT NULL,
    subject_kind text        NOT NULL,
    subject_id   uuid        NOT NULL,
    changes      jsonb       NOT NULL,
    created_at   timestamptz NOT NULL,
    trace_id     text        NOT NULL
);

CREATE TABLE notes (
    id     bigint PRIMARY KEY,
    body   text   NOT NULL,
    author text
);

-- Long enough that concurrent migrations overlap.
SELECT pg_sleep(0.2);
