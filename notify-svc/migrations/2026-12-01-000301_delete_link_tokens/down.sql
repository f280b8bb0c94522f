-- The tokens are not restored.
SELECT 1;
