CREATE TABLE audit_trail (
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

-- One for each filter of ListAuditEntries, which sorts by time.
CREATE INDEX audit_trail_created_at ON audit_trail (created_at, id);
CREATE INDEX audit_trail_actor ON audit_trail (actor_id, created_at, id);
CREATE INDEX audit_trail_subject ON audit_trail (subject_id, created_at, id);
CREATE INDEX audit_trail_method ON audit_trail (method, created_at, id);

COMMENT ON TABLE audit_trail IS
    'The audit entries of all services, collected from their events. The role of the service can only add rows.';
COMMENT ON COLUMN audit_trail.id IS 'UUIDv7, the id of the event.';
COMMENT ON COLUMN audit_trail.method IS 'Full name of the method.';
COMMENT ON COLUMN audit_trail.actor_id IS 'Account or API client that called.';
COMMENT ON COLUMN audit_trail.actor_kind IS 'ACCOUNT or API_CLIENT.';
COMMENT ON COLUMN audit_trail.subject_kind IS 'Kind of what was changed.';
COMMENT ON COLUMN audit_trail.subject_id IS 'Id of what was changed.';
COMMENT ON COLUMN audit_trail.changes IS 'Array of objects with a field, its old and its new value.';
COMMENT ON COLUMN audit_trail.created_at IS 'Time when the call began.';
COMMENT ON COLUMN audit_trail.trace_id IS 'Id of the trace of the call, 32 hex digits.';
