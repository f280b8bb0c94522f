//! The audit trail: what calls of methods for admins changed, in all services. Does no I/O.

pub(crate) mod collect;
pub(crate) mod lookup;

use chrono::{DateTime, Utc};
use diesel::{
    pg::Pg,
    prelude::{Queryable, Selectable},
};
use mesh_data::audit::ActorKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::schema::audit_trail;

/// A change of one subject by one call.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = audit_trail, check_for_backend(Pg))]
pub(crate) struct AuditEntry {
    pub id: Uuid,
    /// Full name of the method.
    pub method: String,
    /// The account or API client that called.
    pub actor_id: Uuid,
    pub actor_kind: ActorKind,
    pub subject_kind: String,
    pub subject_id: Uuid,
    /// A list of [`mesh_data::audit::FieldChange`].
    pub changes: Value,
    /// When the call began.
    pub created_at: DateTime<Utc>,
    pub trace_id: String,
}

/// The filters of ListAuditEntries.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AuditFilter {
    pub actor_id: Option<Uuid>,
    /// Full name of the method.
    pub method: Option<String>,
    pub subject_id: Option<Uuid>,
    /// At this time or later.
    pub start: Option<DateTime<Utc>>,
    /// Before this time.
    pub end: Option<DateTime<Utc>>,
}

/// The sort key of a list of entries.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct AuditCursor {
    pub created_at: DateTime<Utc>,
    pub id: Uuid,
}

impl AuditCursor {
    pub(crate) fn of(entry: &AuditEntry) -> Self {
        Self { created_at: entry.created_at, id: entry.id }
    }
}
