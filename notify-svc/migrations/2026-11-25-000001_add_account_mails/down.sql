-- Mails of the other kinds stay.
ALTER TABLE notifications
    DROP CONSTRAINT notifications_kind_check,
    ADD CONSTRAINT notifications_kind_check CHECK (kind IN
        ('ORDER_CONFIRMATION', 'ORDER_SHIPPED', 'ORDER_CANCELLED', 'WELCOME')) NOT VALID;
