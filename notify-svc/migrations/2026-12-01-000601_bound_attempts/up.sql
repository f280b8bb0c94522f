ALTER TABLE deliveries
    ADD COLUMN unknown_count    integer NOT NULL DEFAULT 0,
    ADD COLUMN first_attempt_at timestamptz;
COMMENT ON COLUMN deliveries.unknown_count IS
    'Number of delivery attempts since pending_since whose outcome is unknown: the mail server did '
    'not reply after the final dot.';
COMMENT ON COLUMN deliveries.first_attempt_at IS
    'Time of the first delivery attempt since pending_since. NULL: none.';
COMMENT ON COLUMN deliveries.attempt_count IS
    'Number of delivery attempts since pending_since: replies about the mail, and attempts whose '
    'outcome is unknown.';
COMMENT ON COLUMN deliveries.due_at IS
    'Time at which the next attempt is due. In state SENT or FAILED: time of the last attempt.';
COMMENT ON TABLE delivery_attempts IS
    'Delivery attempts: each reply of the mail server about a mail, and each attempt whose outcome '
    'is unknown. Append-only.';
COMMENT ON COLUMN delivery_attempts.reply_code IS
    'SMTP reply code. 0: no reply; reply_text says why.';
COMMENT ON COLUMN delivery_attempts.reply_text IS
    'Text of the reply. With code 0: why the mail was not sent, or that its outcome is unknown.';
