COMMENT ON TABLE notifications IS
    'Inbox: one row for each event that requests a mail. deliveries has the delivery state. The '
    'retention task deletes the content of a mail that was sent or has failed, and later the row: '
    'only after no copy of the event can arrive any more.';
COMMENT ON COLUMN notifications.payload IS
    'Encoded event: the source of the mail content. Empty: the content was deleted.';
