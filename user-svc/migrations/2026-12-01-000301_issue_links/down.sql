DROP INDEX links_by_issuable_until;
CREATE INDEX links_by_expiry ON links (expires_at);
DELETE FROM links WHERE hash IS NULL;
ALTER TABLE links
    DROP CONSTRAINT links_check,
    ALTER COLUMN hash SET NOT NULL,
    ALTER COLUMN expires_at SET NOT NULL,
    DROP COLUMN issuable_until,
    DROP COLUMN id;
