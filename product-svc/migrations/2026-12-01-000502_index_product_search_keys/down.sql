DROP INDEX search_vocabulary_by_deletion, products_to_index, products_by_words,
    products_by_name_words, products_by_sku, products_by_category_key, products_by_name_key;
