COMMENT ON COLUMN tries.subject IS
    'SHA-256 of the limited subject: an email address in lower case, with or without an account, '
    'a device, or a network.';
