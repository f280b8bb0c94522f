WITH recorded AS (
    UPDATE deliveries SET
        state = result.state,
        claim_id = NULL,
        leased_until = NULL,
        attempt_count = attempt_count + 1,
        unknown_count = unknown_count + is_outcome_unknown::integer,
        first_attempt_at = coalesce(first_attempt_at, now()),
        cut_off_count = 0,
        version = CASE result.state WHEN 'PENDING' THEN version ELSE version + 1 END,
        due_at = now() + delay_seconds * interval '1 second',
        sent_at = CASE result.state WHEN 'SENT' THEN now() END
    FROM {result}
    WHERE notification_id = result.id AND deliveries.claim_id = result.claim_id
    RETURNING result.*, resend_count, attempt_count
), attempts AS (
    INSERT INTO delivery_attempts
        (notification_id, resend_count, attempt, message_id, reply_code, reply_text)
    SELECT id, resend_count, attempt_count, message_id, reply_code, reply_text FROM recorded
), counts AS (
    INSERT INTO delivery_counts (pending, sent, failed)
    SELECT -count(*), count(*) FILTER (WHERE state = 'SENT'),
        count(*) FILTER (WHERE state = 'FAILED')
    FROM recorded WHERE state <> 'PENDING' HAVING count(*) > 0
)
SELECT id, claim_id FROM recorded
