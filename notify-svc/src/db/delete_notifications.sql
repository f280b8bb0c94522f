WITH expired AS MATERIALIZED (
    SELECT notification_id, state FROM deliveries
    WHERE notification_id < {first_kept_id} AND state <> 'PENDING' AND due_at < {final_before}
    ORDER BY notification_id LIMIT {limit}
    FOR UPDATE SKIP LOCKED
), deleted_attempts AS (
    DELETE FROM delivery_attempts USING expired
    WHERE delivery_attempts.notification_id = expired.notification_id
), deleted_deliveries AS (
    DELETE FROM deliveries USING expired
    WHERE deliveries.notification_id = expired.notification_id
), counts AS (
    INSERT INTO delivery_counts (sent, failed)
    SELECT -count(*) FILTER (WHERE state = 'SENT'), -count(*) FILTER (WHERE state = 'FAILED')
    FROM expired HAVING count(*) > 0
)
DELETE FROM notifications USING expired WHERE id = notification_id
