//! Reads notifications for admins.

use mesh_data::page::{Listed, Page};

use crate::{
    App,
    db::{deliveries, notifications as db},
    delivery::DeliveryAttempt,
    error::Error,
    notification::{Cursor, Notification, NotificationFilter, NotificationId},
};

/// Returns a page of notifications, newest first.
pub(crate) async fn list_notifications(
    app: &App,
    filter: &NotificationFilter,
    page: &Page<Cursor>,
) -> Result<Listed<Notification>, Error> {
    let mut connection = app.database.connection().await?;
    let cursor = page.cursor.as_ref();
    let rows = db::list_notifications(&mut connection, filter, cursor, page.limit()).await?;
    Ok(page.finish(rows, |last| Cursor { id: last.id }))
}

/// Returns a notification and its delivery attempts, oldest first.
pub(crate) async fn get_notification(
    app: &App,
    id: NotificationId,
) -> Result<(Notification, Vec<DeliveryAttempt>), Error> {
    let mut connection = app.database.connection().await?;
    let found = db::find_notification(&mut connection, id).await?;
    let notification = found.ok_or(Error::NotificationNotFound { id })?;
    Ok((notification, deliveries::find_attempts(&mut connection, id).await?))
}
