ALTER TABLE notes ADD COLUMN edited_by text;
