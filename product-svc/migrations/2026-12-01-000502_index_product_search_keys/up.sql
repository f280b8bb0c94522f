CREATE INDEX products_by_name_key ON products (name_key, id);
CREATE INDEX products_by_category_key ON products (category, name_key, id) WHERE NOT archived;
CREATE INDEX products_by_sku ON products (lower(sku COLLATE "C"));
CREATE INDEX products_by_name_words ON products USING gin (name_words);
CREATE INDEX products_by_words ON products USING gin (words);
CREATE INDEX products_to_index ON products (id) WHERE indexed_version <> version;
CREATE INDEX search_vocabulary_by_deletion ON search_vocabulary
    USING gin (search_deletions(word));
