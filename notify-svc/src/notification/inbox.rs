//! The inbox: stores each received event once, before its mail is delivered.

use mesh_data::database::convert_error;

use crate::{App, db::notifications as db, notification::NewNotification};

/// Most mails within an hour to an address that is not verified. Anybody can sign up with the address
/// of a stranger. The mails beyond are dropped, not delayed: a stranger would get them for hours.
pub(crate) const UNVERIFIED_MAILS_MAX: i64 = 10;

/// Inserts the notifications that are new and have a recipient, and wakes a delivery
/// worker.
pub(crate) async fn receive(app: &App, new: &[NewNotification]) -> Result<(), mesh::Error> {
    let addressed: Vec<_> = new.iter().filter(|new| !new.recipient.is_empty()).cloned().collect();
    if addressed.is_empty() {
        return Ok(());
    }
    let inserted = app.database.transaction(async |connection| {
        db::lock_unverified(connection, &addressed).await.map_err(convert_error)?;
        let insert = db::insert_notifications(connection, &addressed, UNVERIFIED_MAILS_MAX);
        insert.await.map_err(convert_error)
    });
    let count = inserted.await?;
    if count > 0 {
        metrics::counter!("notifications_received_total").increment(count.unsigned_abs());
        app.mails_due.notify();
    }
    Ok(())
}
