COMMENT ON TABLE notifications IS
    'Inbox: one row for each event that requests a mail. A row never changes; deliveries has the '
    'delivery state.';
COMMENT ON COLUMN notifications.id IS
    'Notification id, a UUIDv7 created on receipt of the event: the sort key of lists.';
COMMENT ON COLUMN notifications.event_id IS
    'Event id. Unique, so that a duplicate of the event is ignored.';
COMMENT ON COLUMN notifications.kind IS
    'NotificationKind of the contract. Determines the mail and the type of the message in '
    'payload.';
COMMENT ON COLUMN notifications.recipient IS 'Email address of the recipient.';
COMMENT ON COLUMN notifications.subject IS 'Subject of the mail.';
COMMENT ON COLUMN notifications.order_id IS
    'Order that the mail is about. NULL: the mail is about an account.';
COMMENT ON COLUMN notifications.payload IS 'Encoded event: the source of the mail content.';
COMMENT ON COLUMN notifications.traceparent IS 'W3C trace context of the event. NULL: none.';
COMMENT ON COLUMN notifications.created_at IS 'Time at which the event was received.';

COMMENT ON TABLE deliveries IS
    'Delivery of each notification. The row is narrow, because it is updated several times. A '
    'claim changes no indexed column, so that PostgreSQL can write the new version to the same '
    'page (HOT update).';
COMMENT ON COLUMN deliveries.notification_id IS 'Notification id.';
COMMENT ON COLUMN deliveries.state IS
    'Delivery state: PENDING changes to SENT or FAILED. A resend changes it back to PENDING.';
COMMENT ON COLUMN deliveries.version IS 'Number that increases with each change of state.';
COMMENT ON COLUMN deliveries.pending_since IS
    'Time at which the mail was requested by its event, or by the latest resend.';
COMMENT ON COLUMN deliveries.due_at IS
    'Time at which the next attempt is due. Only relevant in state PENDING.';
COMMENT ON COLUMN deliveries.claim_id IS
    'Claim of the worker that delivers the mail. Only the owner of the claim records a delivery '
    'result. NULL: not claimed.';
COMMENT ON COLUMN deliveries.leased_until IS
    'Expiry of the lease, after which another worker can claim the mail. NULL: not claimed.';
COMMENT ON COLUMN deliveries.attempt_count IS
    'Number of delivery attempts since pending_since. A transport error is not an attempt.';
COMMENT ON COLUMN deliveries.cut_off_count IS
    'Number of consecutive transport errors, which determines the backoff.';
COMMENT ON COLUMN deliveries.resend_count IS 'Number of resends.';
COMMENT ON COLUMN deliveries.sent_at IS
    'Time at which the mail server accepted the mail. NULL: the state is not SENT.';

COMMENT ON TABLE delivery_attempts IS
    'Delivery attempts: each reply of the mail server about a mail. Append-only.';
COMMENT ON COLUMN delivery_attempts.notification_id IS 'Notification id.';
COMMENT ON COLUMN delivery_attempts.resend_count IS 'Number of resends before the attempt.';
COMMENT ON COLUMN delivery_attempts.attempt IS
    'Number of the attempt, from 1. Starts again with each resend.';
COMMENT ON COLUMN delivery_attempts.message_id IS 'Message-ID of the mail.';
COMMENT ON COLUMN delivery_attempts.reply_code IS
    'SMTP reply code. 0: the mail could not be composed and was not sent.';
COMMENT ON COLUMN delivery_attempts.reply_text IS
    'Text of the reply. With code 0: why the mail could not be composed.';
COMMENT ON COLUMN delivery_attempts.created_at IS 'Time at which the reply was recorded.';

COMMENT ON TABLE delivery_counts IS
    'Number of mails in each state: the sum of all rows. Each transaction inserts a row with its '
    'changes, so that no transaction waits for another. A periodic task rolls up many rows into '
    'one.';
COMMENT ON COLUMN delivery_counts.id IS 'Surrogate key.';
COMMENT ON COLUMN delivery_counts.pending IS 'Change of the number of mails in state PENDING.';
COMMENT ON COLUMN delivery_counts.sent IS 'Change of the number of mails in state SENT.';
COMMENT ON COLUMN delivery_counts.failed IS 'Change of the number of mails in state FAILED.';

COMMENT ON TABLE outbox IS
    'Events to publish. The transaction that causes an event inserts its row. The relay publishes '
    'the event to Kafka and deletes the row.';
COMMENT ON COLUMN outbox.id IS 'Event id, a UUIDv7.';
COMMENT ON COLUMN outbox.topic IS 'Kafka topic.';
COMMENT ON COLUMN outbox.key IS 'Kafka key: the order id.';
COMMENT ON COLUMN outbox.message IS 'Full name of the protobuf message in payload.';
COMMENT ON COLUMN outbox.payload IS 'Encoded protobuf message.';
COMMENT ON COLUMN outbox.traceparent IS 'W3C trace context of the cause of the event. NULL: none.';
COMMENT ON COLUMN outbox.created_at IS 'Time of the transaction that inserted the row.';
