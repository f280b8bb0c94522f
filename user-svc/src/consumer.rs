//! Consumes `audit-recorded`: collects the audit entries of all services, its own included.

use mesh::BoxError;
use mesh_data::{consumer::Handler, database::Database, kafka::Record};
use proto::{topics::Event, user::v1::AuditRecorded};

use crate::{
    audit::{AuditEntry, collect::collect},
    error::Error,
    events,
};

/// Topics that user-svc consumes.
pub(crate) const TOPICS: [&str; 1] = [AuditRecorded::TOPIC];

/// Collects audit entries.
pub(crate) struct AuditEvents {
    pub database: Database,
}

impl Handler for AuditEvents {
    type Event = AuditEntry;

    fn decode(&self, record: &Record) -> Result<AuditEntry, BoxError> {
        events::audit_recorded(&record.message, &record.payload)
    }

    async fn handle(&self, entries: Vec<AuditEntry>) -> Result<(), mesh::Error> {
        collect(&self.database, &entries).await.map_err(|error| match error {
            Error::Mesh(error) => error,
            other => mesh::Error::internal(other),
        })
    }
}
