WITH expired AS MATERIALIZED (
    SELECT id FROM notifications JOIN deliveries ON notification_id = id
    WHERE payload <> '' AND id < {first_kept_id} AND state <> 'PENDING' AND due_at < {final_before}
    ORDER BY id LIMIT {limit}
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE notifications SET payload = '' FROM expired WHERE notifications.id = expired.id
