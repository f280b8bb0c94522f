DROP TRIGGER count_changed_products ON products;
DROP TRIGGER count_new_products ON products;
DROP FUNCTION count_changed_products, count_new_products;
DROP TABLE categories;
