CREATE TABLE categories (
    slug          text COLLATE "C" PRIMARY KEY,
    product_count bigint NOT NULL
);
COMMENT ON TABLE categories IS
    'Categories that a product has or had. Triggers of products update it.';
COMMENT ON COLUMN categories.slug IS 'Slug of the category.';
COMMENT ON COLUMN categories.product_count IS 'Number of its products for sale.';

CREATE FUNCTION count_new_products() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO categories AS c
    SELECT category, count(*) FROM new WHERE NOT archived GROUP BY category ORDER BY category
    ON CONFLICT (slug) DO UPDATE SET product_count = c.product_count + EXCLUDED.product_count;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION count_new_products IS
    'Trigger function of products: adds inserted products to the counts of their categories.';

-- In order of the slug, so that two transactions never wait for each other.
CREATE FUNCTION count_changed_products() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO categories AS c
    SELECT category, sum(change) FROM (
        SELECT category, 1 AS change FROM new WHERE NOT archived
        UNION ALL
        SELECT category, -1 FROM old WHERE NOT archived
    ) AS changes GROUP BY category HAVING sum(change) <> 0 ORDER BY category
    ON CONFLICT (slug) DO UPDATE SET product_count = c.product_count + EXCLUDED.product_count;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION count_changed_products IS
    'Trigger function of products: moves updated products between the counts of their categories.';

-- The locks of the triggers exclude writers until the counts are complete.
CREATE TRIGGER count_new_products AFTER INSERT ON products
    REFERENCING NEW TABLE AS new FOR EACH STATEMENT EXECUTE FUNCTION count_new_products();
CREATE TRIGGER count_changed_products AFTER UPDATE ON products
    REFERENCING OLD TABLE AS old NEW TABLE AS new
    FOR EACH STATEMENT EXECUTE FUNCTION count_changed_products();
INSERT INTO categories
SELECT category, count(*) FROM products WHERE NOT archived GROUP BY category;
