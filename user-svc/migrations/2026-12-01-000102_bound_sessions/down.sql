-- The old comments are not restored: no program reads them.
SELECT 1;
