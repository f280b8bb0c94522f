//! Operations on the inbox: what an event and an admin do to it. Each owns its
//! transaction.

use mesh_data::{database::convert_error, outbox, page};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    App, convert,
    db::{deliveries, notifications as db},
    error::Error,
    notification::{
        DeliveryAttempt, DeliveryStatistics, NewNotification, Notification, NotificationId,
        NotificationState,
    },
};

/// Which notifications ListNotifications is to find.
#[derive(Debug, Clone, Serialize)]
pub struct NotificationFilter {
    /// In one of these states; empty: in any.
    pub states: Vec<NotificationState>,
    /// About this order.
    pub order_id: Option<Uuid>,
    /// To this address, whatever its case.
    pub recipient: Option<String>,
}

/// Where a page begins: after this notification.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cursor {
    /// Its id.
    pub id: NotificationId,
}

/// Writes what events ask for, each event once, and wakes a worker.
pub(crate) async fn receive(app: &App, new: &[NewNotification]) -> Result<(), mesh::Error> {
    let addressed: Vec<_> = new.iter().filter(|new| !new.recipient.is_empty()).cloned().collect();
    if addressed.is_empty() {
        return Ok(());
    }
    let mut connection = app.database.connection().await?;
    let count =
        db::insert_notifications(&mut connection, &addressed).await.map_err(convert_error)?;
    if count > 0 {
        metrics::counter!("notifications_received_total").increment(count.unsigned_abs());
        app.mails_due.notify();
    }
    Ok(())
}

/// A page of notifications, newest first, and where the next one begins.
pub(crate) async fn list_notifications(
    app: &App,
    filter: &NotificationFilter,
    cursor: Option<&Cursor>,
    page_size: i64,
) -> Result<(Vec<Notification>, Option<Cursor>), Error> {
    let mut connection = app.database.connection().await?;
    let rows = db::list_notifications(&mut connection, filter, cursor, page_size + 1).await?;
    let (notifications, more) = page::cut(rows, page_size);
    let next = notifications.last().filter(|_| more).map(|last| Cursor { id: last.id });
    Ok((notifications, next))
}

/// A notification with each attempt to deliver it.
pub(crate) async fn get_notification(
    app: &App,
    id: NotificationId,
) -> Result<(Notification, Vec<DeliveryAttempt>), Error> {
    let mut connection = app.database.connection().await?;
    let found = db::find_notification(&mut connection, id).await?;
    let notification = found.ok_or(Error::NotificationNotFound { id })?;
    Ok((notification, db::find_attempts(&mut connection, id).await?))
}

/// Asks for a mail again that was sent or has failed.
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
                Some(from) => deliveries::ask_again(connection, id, from).await?,
            }
            let found = db::find_notification(connection, id).await?;
            let notification = found.ok_or(Error::NotificationNotFound { id })?;
            let event = notification.order_id.map(|order_id| {
                let Notification { kind, state, version, .. } = notification;
                convert::mail_state_changed(id, order_id, kind, state, version)
            });
            outbox::insert_events(connection, event.as_slice()).await?;
            Ok(notification)
        })
        .await?;
    app.relay.notify();
    app.mails_due.notify();
    Ok(notification)
}

/// How many mails are in each state.
pub(crate) async fn get_delivery_statistics(app: &App) -> Result<DeliveryStatistics, Error> {
    let mut connection = app.database.connection().await?;
    Ok(deliveries::statistics(&mut connection).await?)
}
