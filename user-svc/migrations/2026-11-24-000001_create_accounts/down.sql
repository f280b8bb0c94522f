DROP TABLE outbox, tries, api_clients, refresh_tokens, sessions, users;
