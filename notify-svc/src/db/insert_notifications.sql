WITH new AS (
    SELECT {event.columns} FROM {event}
    WHERE NOT EXISTS (SELECT FROM notifications WHERE event_id = event.event_id)
), inserted AS (
    INSERT INTO notifications
        (id, event_id, kind, recipient, subject, order_id, payload, traceparent, over_limit)
    SELECT id, event_id, kind, recipient, subject, order_id, payload, traceparent,
        NOT email_verified AND {unverified_max} < (
            SELECT count(*) FROM (
                SELECT created_at FROM notifications AS recent
                WHERE lower(recent.recipient) = lower(new.recipient) AND NOT over_limit
                ORDER BY id DESC LIMIT {unverified_max}
            ) AS newest WHERE created_at > now() - interval '1 hour'
        ) + dense_rank() OVER (PARTITION BY lower(recipient) ORDER BY event_id)
    FROM new ORDER BY event_id
    ON CONFLICT (event_id) DO NOTHING
    RETURNING id
), queued AS (
    INSERT INTO deliveries (notification_id) SELECT id FROM inserted
)
INSERT INTO delivery_counts (pending)
SELECT count(*) FROM inserted HAVING count(*) > 0
RETURNING pending
