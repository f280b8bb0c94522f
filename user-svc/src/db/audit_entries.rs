//! SQL of the audit trail.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, QueryDsl, QueryResult, SelectableHelper,
    sql_types::{Jsonb, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use mesh_data::{
    database::Connection,
    sql::{Rows, sql},
};

use crate::{
    audit::{AuditCursor, AuditEntry, AuditFilter},
    schema::audit_trail,
};

/// Inserts the entries that are not there yet.
pub(crate) async fn insert_entries(
    connection: &mut Connection,
    entries: &[AuditEntry],
) -> QueryResult<()> {
    let rows = Rows::of(entries)
        .column::<SqlUuid, _>("id", |entry| entry.id)
        .column::<Text, _>("method", |entry| &*entry.method)
        .column::<SqlUuid, _>("actor_id", |entry| entry.actor_id)
        .column::<Text, _>("actor_kind", |entry| entry.actor_kind)
        .column::<Text, _>("subject_kind", |entry| &*entry.subject_kind)
        .column::<SqlUuid, _>("subject_id", |entry| entry.subject_id)
        .column::<Jsonb, _>("changes", |entry| &entry.changes)
        .column::<Timestamptz, _>("created_at", |entry| entry.created_at)
        .column::<Text, _>("trace_id", |entry| &*entry.trace_id);
    let insert = sql("INSERT INTO audit_trail ({new.columns}) SELECT * FROM {new} \
         ON CONFLICT (id) DO NOTHING");
    insert.rows("new", rows).execute(connection).await.map(drop)
}

/// Returns up to `limit` entries after `cursor` that match the filter, newest first.
pub(crate) async fn list_entries(
    connection: &mut Connection,
    filter: &AuditFilter,
    cursor: Option<&AuditCursor>,
    limit: i64,
) -> QueryResult<Vec<AuditEntry>> {
    use audit_trail::{actor_id, created_at, id, method, subject_id};
    let mut query = audit_trail::table.select(AuditEntry::as_select()).limit(limit).into_boxed();
    if let Some(actor) = filter.actor_id {
        query = query.filter(actor_id.eq(actor));
    }
    if let Some(name) = &filter.method {
        query = query.filter(method.eq(name));
    }
    if let Some(subject) = filter.subject_id {
        query = query.filter(subject_id.eq(subject));
    }
    if let Some(start) = filter.start {
        query = query.filter(created_at.ge(start));
    }
    if let Some(end) = filter.end {
        query = query.filter(created_at.lt(end));
    }
    if let Some(last) = cursor {
        let same_time = created_at.eq(last.created_at).and(id.lt(last.id));
        query = query.filter(created_at.lt(last.created_at).or(same_time));
    }
    query.order((created_at.desc(), id.desc())).load(connection).await
}
