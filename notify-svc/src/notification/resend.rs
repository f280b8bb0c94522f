//! Resend: an admin requests that a mail is sent again.

use mesh_data::outbox;

use crate::{
    App,
    db::{deliveries, notifications as db},
    error::Error,
    events,
    notification::{Notification, NotificationId, NotificationState},
};

/// Makes a mail pending again that was sent or has failed.
pub(crate) async fn resend_notification(
    app: &App,
    id: NotificationId,
) -> Result<Notification, Error> {
    let notification = app
        .database
        .transaction(async |connection| {
            match deliveries::lock_state(connection, id).await? {
                None => return Err(Error::NotificationNotFound { id }),
                Some(NotificationState::Pending) => {
                    return Err(Error::NotificationNotResendable { id });
                }
                Some(from) => deliveries::reset_for_resend(connection, id, from).await?,
            }
            let found = db::find_notification(connection, id).await?;
            let notification = found.ok_or(Error::NotificationNotFound { id })?;
            let event = notification.order_id.map(|order_id| {
                let Notification { kind, ref delivery, .. } = notification;
                events::mail_state_changed(id, order_id, kind, delivery.state, delivery.version)
            });
            outbox::insert_events(connection, event.as_slice()).await?;
            Ok(notification)
        })
        .await?;
    app.relay.notify();
    app.mails_due.notify();
    Ok(notification)
}
