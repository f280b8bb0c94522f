DROP INDEX api_clients_by_age, users_by_role, users_by_text;
ALTER TABLE sessions DROP COLUMN refreshed_at, DROP COLUMN user_agent;
