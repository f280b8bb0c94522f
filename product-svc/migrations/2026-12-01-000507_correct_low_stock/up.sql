-- A transaction for each batch, so that checkouts never wait for long. Rows are locked in order of
-- id, as checkouts lock them.
DO $$
DECLARE
    batch    uuid[];
    previous uuid := '00000000-0000-0000-0000-000000000000';
BEGIN
    LOOP
        batch := ARRAY(SELECT product_id FROM inventory WHERE product_id > previous
                       ORDER BY product_id LIMIT 500);
        EXIT WHEN cardinality(batch) = 0;
        PERFORM product_id FROM inventory WHERE product_id = ANY (batch)
            ORDER BY product_id FOR NO KEY UPDATE;
        UPDATE inventory SET is_low = false
            WHERE product_id = ANY (batch) AND is_low AND on_hand - held > low_stock_threshold;
        previous := batch[cardinality(batch)];
        COMMIT;
    END LOOP;
END
$$;
