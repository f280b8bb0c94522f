//! The audit trail: a transaction of an audited call inserts what it changes, and the event that
//! publishes it. Who calls what comes from [`mesh::audit`], the subjects and their fields from the
//! operation.
//!
//! The table is the same in every service:
//!
//! ```sql
//! CREATE TABLE audit_entries (
//!     id           uuid        PRIMARY KEY,
//!     method       text        NOT NULL,
//!     actor_id     uuid        NOT NULL,
//!     actor_kind   text        NOT NULL,
//!     subject_kind text        NOT NULL,
//!     subject_id   uuid        NOT NULL,
//!     changes      jsonb       NOT NULL,
//!     created_at   timestamptz NOT NULL,
//!     trace_id     text        NOT NULL
//! );
//! ```
//!
//! **Invariant:** it only grows. [`crate::database::migrate`] allows the service's role no more.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult,
    sql_types::{Jsonb, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AnsiTransactionManager, RunQueryDsl, TransactionManager};
use prost::Name;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use mesh::audit::{self, Call};
pub use mesh::audit::{in_current_call, unchanged};

use crate::{
    database::Connection,
    outbox::{NewEvent, insert_events},
    sql::Rows,
};

/// The topic of the events.
pub const TOPIC: &str = "audit-recorded";
/// Longest value of a field, in characters.
const VALUE_CHARACTERS_MAX: usize = 500;

crate::text_enum! {
    /// What kind of caller an actor is.
    pub enum ActorKind {
        /// The account of a person.
        Account = "ACCOUNT",
        /// An API client.
        Client = "API_CLIENT",
    }
}

/// The difference of one field.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, prost::Message)]
pub struct FieldChange {
    /// Name of the field.
    #[prost(string, tag = "1")]
    pub field: String,
    /// Value before the change.
    #[prost(string, optional, tag = "2")]
    pub old: Option<String>,
    /// Value after the change.
    #[prost(string, optional, tag = "3")]
    pub new: Option<String>,
}

/// What a transaction changes of one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    subject_kind: &'static str,
    subject_id: Uuid,
    fields: Vec<FieldChange>,
}

impl Change {
    /// Compares the fields of a subject before and after a change: two JSON objects, or null where
    /// the subject does not exist. A caller names the fields, and no secret and no personal data among
    /// them.
    pub fn new(kind: &'static str, id: Uuid, before: &Value, after: &Value) -> Self {
        let empty = Map::new();
        let [before, after] = [before, after].map(|value| value.as_object().unwrap_or(&empty));
        let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        let is_changed = |name: &&String| set(before.get(*name)) != set(after.get(*name));
        let fields = names.into_iter().filter(is_changed).map(|name| FieldChange {
            field: name.clone(),
            old: set(before.get(name)).map(text),
            new: set(after.get(name)).map(text),
        });
        Self { subject_kind: kind, subject_id: id, fields: fields.collect() }
    }
}

/// Returns the value of a field that is set: null and an empty text are none.
fn set(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| !value.is_null() && *value != "")
}

/// Returns a value as text, cut to the length of a field.
fn text(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.chars().take(VALUE_CHARACTERS_MAX).collect()
}

/// Inserts an entry and its event for each subject that the caller's transaction changes. Does nothing
/// outside an audited call, such as in a command.
///
/// # Errors
/// Those of the database; [`diesel::result::Error::NotInTransaction`].
pub async fn record(connection: &mut Connection, changes: &[Change]) -> QueryResult<()> {
    let Some(call) = audit::current() else { return Ok(()) };
    let status = AnsiTransactionManager::transaction_manager_status_mut(connection);
    if status.transaction_depth()?.is_none() {
        return Err(diesel::result::Error::NotInTransaction);
    }
    let changes = changes.iter().filter(|change| !change.fields.is_empty());
    let entries: Vec<_> = changes.map(|change| Entry::new(&call, change)).collect();
    if !entries.is_empty() {
        insert_entries(connection, &entries).await?;
        let events: Vec<_> = entries.into_iter().map(Entry::into_event).collect();
        insert_events(connection, &events).await?;
    }
    call.state();
    Ok(())
}

/// One row of the table.
struct Entry<'a> {
    id: Uuid,
    call: &'a Call,
    created_at: DateTime<Utc>,
    change: &'a Change,
}

impl<'a> Entry<'a> {
    fn new(call: &'a Call, change: &'a Change) -> Self {
        Self { id: Uuid::now_v7(), call, created_at: call.time.into(), change }
    }

    fn actor_kind(&self) -> ActorKind {
        if self.call.is_client { ActorKind::Client } else { ActorKind::Account }
    }

    fn into_event(self) -> NewEvent {
        let entry = RecordedEntry {
            entry_id: self.id.to_string(),
            method: self.call.method.clone(),
            actor_id: self.call.actor_id.to_string(),
            actor_kind: match self.actor_kind() {
                ActorKind::Account => 1,
                ActorKind::Client => 2,
            },
            subject_kind: self.change.subject_kind.to_owned(),
            subject_id: self.change.subject_id.to_string(),
            changes: self.change.fields.clone(),
            create_time: Some(self.call.time.into()),
            trace_id: self.call.trace_id.clone(),
        };
        let event = Recorded { event_id: entry.entry_id.clone(), entry: Some(entry) };
        NewEvent::new(self.id, TOPIC, self.change.subject_id.to_string(), &event)
    }
}

async fn insert_entries(connection: &mut Connection, entries: &[Entry<'_>]) -> QueryResult<()> {
    let fields = |entry: &Entry<'_>| serde_json::to_value(&entry.change.fields);
    let insert = Rows::of(entries)
        .column::<SqlUuid, _>("id", |entry| entry.id)
        .column::<Text, _>("method", |entry| &*entry.call.method)
        .column::<SqlUuid, _>("actor_id", |entry| entry.call.actor_id)
        .column::<Text, _>("actor_kind", Entry::actor_kind)
        .column::<Text, _>("subject_kind", |entry| entry.change.subject_kind)
        .column::<SqlUuid, _>("subject_id", |entry| entry.change.subject_id)
        .column::<Jsonb, _>("changes", |entry| fields(entry).expect("texts are JSON"))
        .column::<Timestamptz, _>("created_at", |entry| entry.created_at)
        .column::<Text, _>("trace_id", |entry| &*entry.call.trace_id)
        .insert_into("audit_entries");
    insert.execute(connection).await.map(drop)
}

/// `shopmesh.user.v1.AuditRecorded` as the contract has it. This crate does not depend on the contract;
/// the tests of the services decode it as the message of the contract.
#[derive(Clone, PartialEq, prost::Message)]
struct Recorded {
    #[prost(string, tag = "1")]
    event_id: String,
    #[prost(message, optional, tag = "2")]
    entry: Option<RecordedEntry>,
}

impl Name for Recorded {
    const NAME: &'static str = "AuditRecorded";
    const PACKAGE: &'static str = "shopmesh.user.v1";
}

#[derive(Clone, PartialEq, prost::Message)]
struct RecordedEntry {
    #[prost(string, tag = "1")]
    entry_id: String,
    #[prost(string, tag = "2")]
    method: String,
    #[prost(string, tag = "3")]
    actor_id: String,
    #[prost(int32, tag = "4")]
    actor_kind: i32,
    #[prost(string, tag = "5")]
    subject_kind: String,
    #[prost(string, tag = "6")]
    subject_id: String,
    #[prost(message, repeated, tag = "7")]
    changes: Vec<FieldChange>,
    #[prost(message, optional, tag = "8")]
    create_time: Option<prost_types::Timestamp>,
    #[prost(string, tag = "9")]
    trace_id: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(before: &Value, after: &Value) -> Vec<(String, Option<String>, Option<String>)> {
        let change = Change::new("note", Uuid::nil(), before, after);
        let fields = change.fields.into_iter();
        fields.map(|FieldChange { field, old, new }| (field, old, new)).collect()
    }

    #[test]
    fn a_change_has_the_fields_that_differ() {
        let old = json!({ "count": 5, "open": false, "title": "a", "note": "" });
        let new = json!({ "count": 7, "open": true, "title": "a", "note": "b" });
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            fields(&old, &new),
            [
                ("count".to_owned(), some("5"), some("7")),
                ("note".to_owned(), None, some("b")),
                ("open".to_owned(), some("false"), some("true")),
            ]
        );
        assert_eq!(fields(&Value::Null, &json!({ "a": "x" })), [("a".into(), None, some("x"))]);
        assert_eq!(fields(&json!({ "a": "x" }), &Value::Null), [("a".into(), some("x"), None)]);
        assert_eq!(fields(&old, &old), []);
        assert_eq!(fields(&Value::Null, &json!({ "note": "", "end": null })), []);
    }

    #[test]
    fn a_long_value_is_cut() {
        let long = json!({ "text": "é".repeat(VALUE_CHARACTERS_MAX + 1) });
        let fields = fields(&Value::Null, &long);
        assert_eq!(fields[0].2.as_ref().map(|text| text.chars().count()), Some(500));
        let other = json!({ "text": "é".repeat(VALUE_CHARACTERS_MAX + 2) });
        assert_eq!(Change::new("note", Uuid::nil(), &long, &other).fields.len(), 1);
    }
}
