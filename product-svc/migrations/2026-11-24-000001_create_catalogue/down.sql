DROP TABLE reservations, inventory_requests, inventory_changes, inventory, search_words, products;
DROP FUNCTION remember_search_words;
