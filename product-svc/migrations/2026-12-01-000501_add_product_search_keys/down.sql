CREATE OR REPLACE TRIGGER remember_search_words
    AFTER INSERT OR UPDATE OF name, sku, description ON products
    FOR EACH ROW EXECUTE FUNCTION remember_search_words();
DROP TABLE search_vocabulary;
DROP FUNCTION search_deletions;
ALTER TABLE products
    DROP COLUMN name_key, DROP COLUMN name_words, DROP COLUMN words, DROP COLUMN indexed_version;
