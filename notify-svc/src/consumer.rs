//! Consumes the events that request a mail.

use std::sync::Arc;

use mesh::BoxError;
use mesh_data::{consumer::Handler, kafka::Record};
use proto::{
    order::v1::{OrderCancelled, OrderCreated, OrderShipped},
    topics::Event,
    user::v1::UserMailRequested,
};

use crate::{
    App, events,
    notification::{NewNotification, inbox},
    templates::Templates,
};

/// Topics that notify-svc consumes.
pub(crate) const TOPICS: [&str; 4] =
    [OrderCreated::TOPIC, OrderCancelled::TOPIC, OrderShipped::TOPIC, UserMailRequested::TOPIC];

/// Stores the mails that events request in the inbox.
pub struct MailEvents {
    app: App,
    templates: Arc<Templates>,
}

impl MailEvents {
    /// Creates the handler. The templates render the subjects of mails.
    pub fn new(app: App, templates: Arc<Templates>) -> Self {
        Self { app, templates }
    }
}

impl Handler for MailEvents {
    type Event = NewNotification;

    fn decode(&self, record: &Record) -> Result<NewNotification, BoxError> {
        let request = events::decode(&record.message, &record.payload)?;
        Ok(NewNotification {
            event_id: request.event_id,
            kind: request.content.kind(),
            recipient: request.recipient,
            email_verified: request.email_verified,
            subject: self.templates.subject(&request.content)?,
            order_id: request.content.order().map(|order| order.id),
            payload: record.payload.clone(),
            traceparent: record.traceparent.clone(),
        })
    }

    async fn handle(&self, events: Vec<NewNotification>) -> Result<(), mesh::Error> {
        inbox::receive(&self.app, &events).await
    }
}
