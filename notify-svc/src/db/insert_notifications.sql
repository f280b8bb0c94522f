WITH inserted AS (
    INSERT INTO notifications ({event.columns})
    SELECT * FROM {event} ORDER BY event_id
    ON CONFLICT (event_id) DO NOTHING
    RETURNING id
), queued AS (
    INSERT INTO deliveries (notification_id) SELECT id FROM inserted
)
INSERT INTO delivery_counts (pending)
SELECT count(*) FROM inserted HAVING count(*) > 0
RETURNING pending
