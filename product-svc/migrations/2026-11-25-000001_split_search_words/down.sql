ALTER TABLE products DROP COLUMN search;
ALTER TABLE products ADD COLUMN search tsvector NOT NULL GENERATED ALWAYS AS (
    setweight(to_tsvector('simple', name || ' ' || sku), 'A') ||
    setweight(to_tsvector('simple', description), 'B')
) STORED;
COMMENT ON COLUMN products.search IS 'Words of name and SKU (A) and description (B).';
CREATE INDEX products_by_word ON products USING gin (search);
DELETE FROM search_words;
INSERT INTO search_words SELECT DISTINCT unnest(tsvector_to_array(search)) FROM products;
DROP FUNCTION search_text;
