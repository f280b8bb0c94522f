-- deliveries has several dead versions for each mail, at the end of a large table: the default of
-- 20 % of the rows would let millions of them accumulate. The two others are small and all their
-- rows are deleted soon, so that a plan made for an empty table must not stay.
ALTER TABLE deliveries SET (
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_analyze_scale_factor = 0.01
);
ALTER TABLE outbox SET (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 500
);
ALTER TABLE delivery_counts SET (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000
);
