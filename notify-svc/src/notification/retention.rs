//! Retention: deletes first the content of old mails, later the mails.
//!
//! **Invariant:** the row of an event stays until no copy of the event can arrive, because the row
//! makes a copy a duplicate. A mail that is pending stays.

use std::time::Duration;

use chrono::{DateTime, Utc};
use mesh_data::database::{Database, convert_error};

use crate::{
    db::notifications as db,
    notification::{NotificationId, RetentionPolicy},
};

/// Most rows of one kind that one transaction deletes.
const BATCH_SIZE_MAX: i64 = 1000;

/// Deletes a batch of contents and a batch of mails that have expired. Returns whether there may be
/// more.
///
/// # Errors
/// Those of the database.
pub async fn delete_expired_batch(
    database: &Database,
    policy: &RetentionPolicy,
) -> Result<bool, mesh::Error> {
    let mut connection = database.connection().await?;
    let (time, first_kept) = expiry(policy.content);
    let contents = db::delete_contents(&mut connection, first_kept, time, BATCH_SIZE_MAX)
        .await
        .map_err(convert_error)?;
    metrics::counter!("retention_rows_total", "kind" => "content").increment(contents as u64);
    let (time, first_kept) = expiry(policy.notification);
    let rows = db::delete_notifications(&mut connection, first_kept, time, BATCH_SIZE_MAX)
        .await
        .map_err(convert_error)?;
    metrics::counter!("retention_rows_total", "kind" => "notification").increment(rows as u64);
    Ok([contents, rows].contains(&(BATCH_SIZE_MAX as usize)))
}

/// Returns the time before which a mail became final that has expired, and the first id of mails
/// that were received later: those cannot have expired and are not read.
fn expiry(age: Duration) -> (DateTime<Utc>, NotificationId) {
    let time = Utc::now() - age;
    (time, NotificationId::first_at(time))
}
