CREATE TABLE notifications (
    id          uuid        PRIMARY KEY,
    event_id    uuid        NOT NULL CONSTRAINT notifications_event_id_key UNIQUE,
    kind        text        NOT NULL CHECK (kind IN
                            ('ORDER_CONFIRMATION', 'ORDER_SHIPPED', 'ORDER_CANCELLED', 'WELCOME')),
    recipient   text        NOT NULL CHECK (recipient <> ''),
    subject     text        NOT NULL,
    order_id    uuid,
    payload     bytea       NOT NULL,
    traceparent text,
    created_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE  notifications             IS 'The inbox: each event that asks for a mail, once. A row never changes; what becomes of its mail is in deliveries.';
COMMENT ON COLUMN notifications.id          IS 'UUIDv7, made when the event came: the order of lists.';
COMMENT ON COLUMN notifications.event_id    IS 'Id of the event, the same in every copy of it.';
COMMENT ON COLUMN notifications.kind        IS 'Name of the contract''s NotificationKind: which mail, and which message the payload is.';
COMMENT ON COLUMN notifications.recipient   IS 'Where the mail goes.';
COMMENT ON COLUMN notifications.subject     IS 'Its subject line.';
COMMENT ON COLUMN notifications.order_id    IS 'The order that it is about, if it is about one.';
COMMENT ON COLUMN notifications.payload     IS 'The event as it came, encoded: what the mail is made from.';
COMMENT ON COLUMN notifications.traceparent IS 'Trace context of what caused the event.';
COMMENT ON COLUMN notifications.created_at  IS 'When the event came.';
CREATE INDEX notifications_by_order ON notifications (order_id, id) WHERE order_id IS NOT NULL;
CREATE INDEX notifications_by_recipient ON notifications (lower(recipient), id);

CREATE TABLE deliveries (
    notification_id uuid        PRIMARY KEY REFERENCES notifications,
    state           text        NOT NULL DEFAULT 'PENDING'
                                CHECK (state IN ('PENDING', 'SENT', 'FAILED')),
    version         bigint      NOT NULL DEFAULT 1,
    pending_since   timestamptz NOT NULL DEFAULT now(),
    due_at          timestamptz NOT NULL DEFAULT now(),
    claim_id        uuid,
    leased_until    timestamptz,
    attempt_count   integer     NOT NULL DEFAULT 0,
    cut_off_count   integer     NOT NULL DEFAULT 0,
    resend_count    integer     NOT NULL DEFAULT 0,
    sent_at         timestamptz,
    CHECK ((claim_id IS NULL) = (leased_until IS NULL)),
    CHECK (claim_id IS NULL OR state = 'PENDING'),
    CHECK ((sent_at IS NULL) = (state <> 'SENT'))
) WITH (fillfactor = 50);
COMMENT ON TABLE  deliveries                 IS 'What becomes of each mail: one narrow row, since it is written several times. A claim changes no indexed column, so that it stays within its page.';
COMMENT ON COLUMN deliveries.notification_id IS 'The mail.';
COMMENT ON COLUMN deliveries.state           IS 'Name of the contract''s NotificationState.';
COMMENT ON COLUMN deliveries.version         IS 'Grows with each change of state.';
COMMENT ON COLUMN deliveries.pending_since   IS 'When it was last asked for: by its event, or by an admin.';
COMMENT ON COLUMN deliveries.due_at          IS 'When its next attempt is due, while it is PENDING.';
COMMENT ON COLUMN deliveries.claim_id        IS 'The claim of the worker that has it; only the owner of this claim may mark it.';
COMMENT ON COLUMN deliveries.leased_until    IS 'When the claim runs off, so that another worker may take it.';
COMMENT ON COLUMN deliveries.attempt_count   IS 'Answers of the mail server about it since it was last asked for.';
COMMENT ON COLUMN deliveries.cut_off_count   IS 'Times in a row that it got no answer; only spaces out the next ones.';
COMMENT ON COLUMN deliveries.resend_count    IS 'How many times an admin had it sent again.';
COMMENT ON COLUMN deliveries.sent_at         IS 'When the mail server took it.';
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE state = 'PENDING';
CREATE INDEX deliveries_unsent ON deliveries (state, notification_id) WHERE state <> 'SENT';

CREATE TABLE delivery_attempts (
    notification_id uuid        NOT NULL REFERENCES deliveries,
    resend_count    integer     NOT NULL,
    attempt         integer     NOT NULL,
    message_id      text        NOT NULL,
    reply_code      integer     NOT NULL,
    reply_text      text        NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (notification_id, resend_count, attempt)
);
COMMENT ON TABLE  delivery_attempts                 IS 'Each answer of the mail server about a mail. Only ever added to.';
COMMENT ON COLUMN delivery_attempts.notification_id IS 'The mail.';
COMMENT ON COLUMN delivery_attempts.resend_count    IS 'How many times an admin had had it sent again by then.';
COMMENT ON COLUMN delivery_attempts.attempt         IS 'Number of the attempt since then, from 1.';
COMMENT ON COLUMN delivery_attempts.message_id      IS 'Message-ID under which the mail went.';
COMMENT ON COLUMN delivery_attempts.reply_code      IS 'SMTP reply code; 0: the server was not asked, since no mail could be made.';
COMMENT ON COLUMN delivery_attempts.reply_text      IS 'What the server said.';
COMMENT ON COLUMN delivery_attempts.created_at      IS 'When.';

CREATE TABLE delivery_counts (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pending bigint NOT NULL DEFAULT 0,
    sent    bigint NOT NULL DEFAULT 0,
    failed  bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE  delivery_counts         IS 'How many mails are in each state: the sum of all rows. Each transaction adds a row of its own, so that none waits for another; a folder replaces many rows by their sum.';
COMMENT ON COLUMN delivery_counts.id      IS 'Number of the row.';
COMMENT ON COLUMN delivery_counts.pending IS 'Added to those that are PENDING.';
COMMENT ON COLUMN delivery_counts.sent    IS 'Added to those that are SENT.';
COMMENT ON COLUMN delivery_counts.failed  IS 'Added to those that are FAILED.';

CREATE TABLE outbox (
    id          uuid        PRIMARY KEY,
    topic       text        NOT NULL,
    key         text        NOT NULL,
    message     text        NOT NULL,
    payload     bytea       NOT NULL,
    traceparent text,
    created_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE  outbox             IS 'Events that wait to be published, written by the transactions that caused them.';
COMMENT ON COLUMN outbox.id          IS 'Id of the event.';
COMMENT ON COLUMN outbox.topic       IS 'Topic to publish to.';
COMMENT ON COLUMN outbox.key         IS 'Id of what it is about.';
COMMENT ON COLUMN outbox.message     IS 'Full name of the message.';
COMMENT ON COLUMN outbox.payload     IS 'The message, encoded.';
COMMENT ON COLUMN outbox.traceparent IS 'Trace context of what caused it.';
COMMENT ON COLUMN outbox.created_at  IS 'When it was written.';
