ALTER TABLE notes DROP COLUMN edited_by;
