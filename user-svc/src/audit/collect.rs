//! Collects the entries of all services.

use mesh_data::database::Database;

use crate::{audit::AuditEntry, db::audit_entries, error::Error};

/// Inserts entries, each once however often its event arrives.
pub(crate) async fn collect(database: &Database, entries: &[AuditEntry]) -> Result<(), Error> {
    let mut connection = database.connection().await?;
    Ok(audit_entries::insert_entries(&mut connection, entries).await?)
}
