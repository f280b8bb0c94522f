//! The inbox: stores each received event once, before its mail is delivered.

use mesh_data::database::convert_error;

use crate::{App, db::notifications as db, notification::NewNotification};

/// Inserts the notifications that are new and have a recipient, and wakes a delivery
/// worker.
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
