//! Messages of the audit trail.

use mesh::validate::Violations;
use mesh_data::{
    audit::{ActorKind, FieldChange},
    page::{Page, PageTokens, Scope},
};
use proto::{
    time::{optional_range, timestamp},
    user::v1 as pb,
};
use uuid::Uuid;

use super::Result;
use crate::audit::{AuditCursor, AuditEntry, AuditFilter};

const METHOD_CHARACTERS_MAX: usize = 200;

pub(crate) fn list_audit_entries(
    request: &pb::ListAuditEntriesRequest,
    caller: Uuid,
    tokens: &PageTokens,
) -> Result<(AuditFilter, Page<AuditCursor>)> {
    let mut violations = Violations::new();
    let (start, end) = (request.start_time.as_ref(), request.end_time.as_ref());
    let (start, end) =
        optional_range(start, end, |field, description| violations.add(field, description));
    let method = violations.text("method", &request.method, 0, METHOD_CHARACTERS_MAX);
    let filter = AuditFilter {
        actor_id: violations.optional_uuid("actor_id", &request.actor_id),
        method: (!method.is_empty()).then_some(method),
        subject_id: violations.optional_uuid("subject_id", &request.subject_id),
        start,
        end,
    };
    let caller = caller.to_string();
    let scope = Scope { method: "ListAuditEntries", filters: &filter, caller: &caller };
    let page = Page::read(&mut violations, tokens, &scope, request.page_size, &request.page_token);
    violations.finish((filter, page))
}

pub(crate) fn encode(entry: AuditEntry) -> pb::AuditEntry {
    let changes: Vec<FieldChange> = serde_json::from_value(entry.changes).unwrap_or_default();
    let changes = changes.into_iter().map(|FieldChange { field, old, new }| pb::AuditChange {
        field,
        old_value: old,
        new_value: new,
    });
    pb::AuditEntry {
        entry_id: entry.id.to_string(),
        method: entry.method,
        actor_id: entry.actor_id.to_string(),
        actor_kind: match entry.actor_kind {
            ActorKind::Account => pb::AuditActorKind::Account,
            ActorKind::Client => pb::AuditActorKind::ApiClient,
        }
        .into(),
        subject_kind: entry.subject_kind,
        subject_id: entry.subject_id.to_string(),
        changes: changes.collect(),
        create_time: Some(timestamp(entry.created_at)),
        trace_id: entry.trace_id,
    }
}
