DROP TABLE outbox, delivery_counts, delivery_attempts, deliveries, notifications;
