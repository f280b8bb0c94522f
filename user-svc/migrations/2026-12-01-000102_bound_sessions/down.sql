DROP INDEX sessions_of_account;
