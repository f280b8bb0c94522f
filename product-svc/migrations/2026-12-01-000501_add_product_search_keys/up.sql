-- The program makes these values, because lower() and to_tsvector() of two databases differ. A
-- program before this migration leaves indexed_version behind, and product-svc makes them later.
ALTER TABLE products
    ADD COLUMN name_key        text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN name_words      tsvector         NOT NULL DEFAULT '',
    ADD COLUMN words           tsvector         NOT NULL DEFAULT '',
    ADD COLUMN indexed_version bigint           NOT NULL DEFAULT 0;
COMMENT ON COLUMN products.name_key IS
    'Folded name, compared by byte: the sort key of lists by name. Made by product-svc.';
COMMENT ON COLUMN products.name_words IS 'Folded words of the name. Made by product-svc.';
COMMENT ON COLUMN products.words IS
    'Folded words of name, SKU and description. Made by product-svc.';
COMMENT ON COLUMN products.indexed_version IS
    'The version whose name, SKU and description name_key, name_words and words are made of.';

CREATE TABLE search_vocabulary (
    word text COLLATE "C" PRIMARY KEY
);
COMMENT ON TABLE search_vocabulary IS
    'Words of products.words without digits. Typo-tolerant search looks up similar words here.';
COMMENT ON COLUMN search_vocabulary.word IS 'Lexeme of products.words.';

CREATE FUNCTION search_deletions(word text) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN ARRAY(
        SELECT overlay(word PLACING '' FROM i FOR 1) FROM generate_series(1, length(word)) AS i
    ) || word;
COMMENT ON FUNCTION search_deletions IS
    'Returns a word, and the word without one of its letters. Two words at edit distance one have '
    'one of these in common.';

-- Only programs before this migration need search_words.
CREATE OR REPLACE TRIGGER remember_search_words
    AFTER INSERT OR UPDATE OF name, sku, description ON products
    FOR EACH ROW WHEN (NEW.indexed_version <> NEW.version)
    EXECUTE FUNCTION remember_search_words();
