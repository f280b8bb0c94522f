-- The previous version inserts links with hash and expiry, and leaves the other two columns out.
ALTER TABLE links
    ADD COLUMN id             uuid        NOT NULL DEFAULT gen_random_uuid()
                              CONSTRAINT links_id_key UNIQUE,
    ADD COLUMN issuable_until timestamptz NOT NULL DEFAULT now() + interval '14 days',
    ALTER COLUMN hash         DROP NOT NULL,
    ALTER COLUMN expires_at   DROP NOT NULL,
    ADD CHECK ((hash IS NULL) = (expires_at IS NULL));
COMMENT ON TABLE links IS
    'Links of mails, at most one per account and purpose: a new link replaces the previous one. A '
    'row is deleted when its link is used or revoked, or can be neither issued nor used any more.';
COMMENT ON COLUMN links.id IS
    'Link id, which the event that requests the mail names. IssueLink creates the token.';
COMMENT ON COLUMN links.issuable_until IS 'Time until which IssueLink creates tokens.';
COMMENT ON COLUMN links.hash IS
    'SHA-256 of the token that was issued last, which has 256 random bits. NULL: none was issued.';
COMMENT ON COLUMN links.expires_at IS 'Expiry of that token. NULL: none was issued.';
DROP INDEX links_by_expiry;
CREATE INDEX links_by_issuable_until ON links (issuable_until);
