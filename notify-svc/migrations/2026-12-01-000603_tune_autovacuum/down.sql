ALTER TABLE deliveries RESET (
    autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_analyze_scale_factor
);
ALTER TABLE outbox RESET (
    autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_analyze_scale_factor,
    autovacuum_analyze_threshold
);
ALTER TABLE delivery_counts RESET (
    autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold
);
