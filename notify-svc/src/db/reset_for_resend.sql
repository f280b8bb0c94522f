WITH found AS MATERIALIZED (
    SELECT notification_id, kind, order_id, state
    FROM deliveries JOIN notifications ON id = notification_id
    WHERE state IN ({states}) AND payload <> ''{conditions}
    ORDER BY notification_id LIMIT {limit} + 1
    FOR NO KEY UPDATE
), reset AS (
    UPDATE deliveries SET
        state = 'PENDING',
        version = version + 1,
        resend_count = resend_count + 1,
        attempt_count = 0,
        unknown_count = 0,
        first_attempt_at = NULL,
        cut_off_count = 0,
        pending_since = now(),
        due_at = now(),
        sent_at = NULL
    FROM (SELECT * FROM found ORDER BY notification_id LIMIT {limit}) old
    WHERE deliveries.notification_id = old.notification_id
    RETURNING old.notification_id, old.state, version
), counts AS (
    INSERT INTO delivery_counts (pending, sent, failed)
    SELECT count(*), -count(*) FILTER (WHERE state = 'SENT'),
        -count(*) FILTER (WHERE state = 'FAILED')
    FROM reset HAVING count(*) > 0
)
SELECT found.notification_id AS id, kind, found.state, order_id, version
FROM found LEFT JOIN reset USING (notification_id) ORDER BY id
