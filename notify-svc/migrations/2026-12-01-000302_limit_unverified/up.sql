ALTER TABLE notifications ADD COLUMN over_limit boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN notifications.over_limit IS
    'Whether the address was not verified and had its number of mails of the hour already. The mail '
    'fails without an attempt, unless an admin resends it.';
