-- The migration that adds the column removes it.
SELECT 1;
