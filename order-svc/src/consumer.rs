//! What notify-svc tells of mails: `mail-state` keeps an order's `mail_state`.

use std::collections::BTreeMap;

use mesh::BoxError;
use mesh_data::{consumer::Handler, database::Database, kafka::Record};
use prost::Name;
use proto::notify::v1::MailStateChanged;

use crate::{
    convert,
    db::orders as db,
    order::{MailChange, OrderId},
};

/// Topics that order-svc consumes.
pub const TOPICS: [&str; 1] = ["mail-state"];

/// Writes what events tell.
pub struct MailEvents {
    /// The service's own database.
    pub database: Database,
}

impl Handler for MailEvents {
    /// None: about a mail that no order shows.
    type Event = Option<MailChange>;

    fn decode(&self, record: &Record) -> Result<Self::Event, BoxError> {
        match record.message == MailStateChanged::full_name() {
            true => convert::mail_state_changed(&record.payload),
            false => Err(format!("unknown message {:?}", record.message).into()),
        }
    }

    async fn handle(&self, events: Vec<Self::Event>) -> Result<(), mesh::Error> {
        let mut newest: BTreeMap<OrderId, MailChange> = BTreeMap::new();
        for change in events.into_iter().flatten() {
            let known = newest.entry(change.order_id).or_insert(change);
            if known.version < change.version {
                *known = change;
            }
        }
        if newest.is_empty() {
            return Ok(());
        }
        let changes: Vec<_> = newest.into_values().collect();
        let mut connection = self.database.connection().await?;
        db::update_mail_states(&mut connection, &changes)
            .await
            .map_err(mesh_data::database::convert_error)
    }
}
