ALTER TABLE api_clients ADD COLUMN created_by uuid;
COMMENT ON COLUMN api_clients.created_by IS
    'Account or API client that created the client, which is revoked with it. NULL: the command '
    'create-client, or a client older than this column.';
