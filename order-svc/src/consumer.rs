//! The consumer of topic `mail-state`, which keeps the `mail_state` of orders current.

use std::collections::BTreeMap;

use mesh::BoxError;
use mesh_data::{
    consumer::Handler,
    database::{Database, convert_error},
    kafka::Record,
};
use proto::{notify::v1::MailStateChanged, topics::Event};

use crate::{
    db::orders as db,
    events,
    order::{MailChange, OrderId},
};

pub(crate) const TOPICS: [&str; 1] = [MailStateChanged::TOPIC];

/// Writes the delivery states of confirmation mails.
pub struct MailEvents {
    /// The service's own database.
    pub database: Database,
}

impl Handler for MailEvents {
    /// None: about a mail that no order shows.
    type Event = Option<MailChange>;

    fn decode(&self, record: &Record) -> Result<Self::Event, BoxError> {
        events::mail_state_changed(&record.message, &record.payload)
    }

    async fn handle(&self, events: Vec<Self::Event>) -> Result<(), mesh::Error> {
        let mut latest: BTreeMap<OrderId, MailChange> = BTreeMap::new();
        for change in events.into_iter().flatten() {
            let known = latest.entry(change.order_id).or_insert(change);
            if known.version < change.version {
                *known = change;
            }
        }
        if latest.is_empty() {
            return Ok(());
        }
        let changes: Vec<_> = latest.into_values().collect();
        let mut connection = self.database.connection().await?;
        db::update_mail_states(&mut connection, &changes).await.map_err(convert_error)
    }
}
