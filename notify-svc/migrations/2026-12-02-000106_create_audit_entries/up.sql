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

COMMENT ON TABLE audit_entries IS
    'What calls of methods for admins changed: rows of the transaction of the change. The role of the service can only add rows.';
COMMENT ON COLUMN audit_entries.id IS 'UUIDv7, also the id of the event that publishes the entry.';
COMMENT ON COLUMN audit_entries.method IS 'Full name of the method.';
COMMENT ON COLUMN audit_entries.actor_id IS 'Account or API client that called.';
COMMENT ON COLUMN audit_entries.actor_kind IS 'ACCOUNT or API_CLIENT.';
COMMENT ON COLUMN audit_entries.subject_kind IS 'Kind of what was changed.';
COMMENT ON COLUMN audit_entries.subject_id IS 'Id of what was changed.';
COMMENT ON COLUMN audit_entries.changes IS 'Array of objects with a field, its old and its new value.';
COMMENT ON COLUMN audit_entries.created_at IS 'Time when the call began.';
COMMENT ON COLUMN audit_entries.trace_id IS 'Id of the trace of the call, 32 hex digits.';
