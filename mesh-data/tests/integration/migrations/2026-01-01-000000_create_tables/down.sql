DROP TABLE notes;
DROP TABLE outbox;
