-- Events of earlier versions contain the tokens of links. A pending mail needs its own; the other
-- ones are not resent, since their tokens expire within a day.
UPDATE notifications SET payload = ''
FROM deliveries
WHERE notification_id = notifications.id AND state <> 'PENDING'
    AND kind IN ('WELCOME', 'EMAIL_VERIFICATION', 'PASSWORD_RESET');
COMMENT ON TABLE notifications IS
    'Inbox: one row for each event that requests a mail. Only the recipient changes, see there; '
    'deliveries has the delivery state.';
COMMENT ON COLUMN notifications.recipient IS
    'Email address of the recipient. A mail with a link goes to the current address of the account, '
    'which replaces that of the event.';
COMMENT ON COLUMN notifications.payload IS
    'Encoded event: the source of the mail content. It names a link by its id and contains no '
    'token. Empty: a mail with a link that was final before tokens were created on sending.';
COMMENT ON COLUMN deliveries.cut_off_count IS
    'Number of consecutive transport errors, which determines the backoff. That user-svc does not '
    'create the token of a link is one of them.';
