-- Rows of older programs no longer count towards a limit, and upkeep deletes them.
COMMENT ON COLUMN tries.subject IS
    'HMAC-SHA-256 of the limited subject, with a key of the service: an email address in lower '
    'case, with or without an account, a device, or a network.';
