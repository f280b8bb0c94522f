-- PostgreSQL's parser keeps `4.5`, `-12` and the like whole, and a query is split at every sign: they
-- would never meet. So the signs become spaces before the parser sees them.
CREATE FUNCTION search_text(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN regexp_replace($1, '[!-/:-@[-`{-~]+', ' ', 'g');
COMMENT ON FUNCTION search_text IS 'A text with its ASCII signs as spaces, as a query is split.';

ALTER TABLE products DROP COLUMN search;
ALTER TABLE products ADD COLUMN search tsvector NOT NULL GENERATED ALWAYS AS (
    setweight(to_tsvector('simple', search_text(name || ' ' || sku)), 'A') ||
    setweight(to_tsvector('simple', search_text(description)), 'B')
) STORED;
COMMENT ON COLUMN products.search IS 'Words of name and SKU (A) and description (B).';
CREATE INDEX products_by_word ON products USING gin (search);

DELETE FROM search_words;
INSERT INTO search_words SELECT DISTINCT unnest(tsvector_to_array(search)) FROM products;
