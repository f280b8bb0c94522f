//! Lists the audit trail.

use mesh_data::page::{Listed, Page};

use crate::{
    App,
    audit::{AuditCursor, AuditEntry, AuditFilter},
    db::audit_entries,
    error::Error,
};

/// Returns a page of entries, newest first.
pub(crate) async fn list_audit_entries(
    app: &App,
    filter: &AuditFilter,
    page: &Page<AuditCursor>,
) -> Result<Listed<AuditEntry>, Error> {
    let mut connection = app.database.connection().await?;
    let cursor = page.cursor.as_ref();
    let rows = audit_entries::list_entries(&mut connection, filter, cursor, page.limit()).await?;
    Ok(page.finish(rows, AuditCursor::of))
}
