//! Resend: an admin requests that mails are sent again.

use mesh_data::{
    audit::{self, Change},
    database::Connection,
    outbox,
    page::{Listed, Page},
};
use serde_json::json;

use crate::{
    App,
    db::{deliveries, notifications as db},
    error::Error,
    events,
    notification::{Cursor, Notification, NotificationId, NotificationState, ResendFilter, Resent},
};

/// Most mails that one call resends.
const RESENT_MAX: i64 = 1000;

/// Makes a mail pending again that was sent or has failed.
pub(crate) async fn resend_notification(
    app: &App,
    id: NotificationId,
) -> Result<Notification, Error> {
    let states = vec![NotificationState::Sent, NotificationState::Failed];
    let filter = ResendFilter { states, id: Some(id), ..ResendFilter::default() };
    let notification = app
        .database
        .transaction(async |connection| {
            let resent = reset(connection, &filter, None, 1).await?;
            let found = db::find_notification(connection, id).await?;
            let notification = found.ok_or(Error::NotificationNotFound { id })?;
            if resent.is_empty() {
                let is_pending = notification.delivery.state == NotificationState::Pending;
                return Err(Error::NotificationNotResendable { id, is_pending });
            }
            Ok(notification)
        })
        .await?;
    app.relay.notify();
    app.mails_due.notify();
    Ok(notification)
}

/// Makes the mails pending again that a filter selects, up to the limit of one call.
pub(crate) async fn resend_notifications(
    app: &App,
    filter: &ResendFilter,
    mut page: Page<Cursor>,
) -> Result<Listed<Resent>, Error> {
    page.size = RESENT_MAX;
    let after = page.cursor.as_ref();
    let resent = app
        .database
        .transaction(async |connection| reset(connection, filter, after, page.size).await)
        .await?;
    app.relay.notify();
    app.mails_due.notify();
    Ok(page.finish(resent, |last| Cursor { id: last.id }))
}

/// Makes up to `limit` mails pending again, with their events.
async fn reset(
    connection: &mut Connection,
    filter: &ResendFilter,
    after: Option<&Cursor>,
    limit: i64,
) -> Result<Vec<Resent>, Error> {
    let resent = deliveries::reset_for_resend(connection, filter, after, limit).await?;
    let event = |resent: &Resent| {
        let (order_id, version) = resent.order_id.zip(resent.version)?;
        let state = NotificationState::Pending;
        Some(events::mail_state_changed(resent.id, order_id, resent.kind, state, version))
    };
    let events: Vec<_> = resent.iter().filter_map(event).collect();
    outbox::insert_events(connection, &events).await?;
    let reset = resent.iter().filter(|resent| resent.version.is_some());
    let fields = |state: NotificationState| json!({ "state": state.as_str() });
    let changes = reset.map(|resent| {
        let (before, after) = (fields(resent.state), fields(NotificationState::Pending));
        Change::new("notification", resent.id.0, &before, &after)
    });
    audit::record(connection, &changes.collect::<Vec<_>>()).await?;
    Ok(resent)
}
