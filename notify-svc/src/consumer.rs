//! Events that ask for a mail: of orders, and of accounts.

use std::sync::Arc;

use mesh::BoxError;
use mesh_data::{consumer::Handler, kafka::Record};
use prost::Name;
use proto::{
    order::v1::{OrderCancelled, OrderCreated, OrderShipped},
    topics::Event as _,
    user::v1::UserMailRequested,
};

use crate::{
    App,
    convert::{self, EventMessage},
    inbox,
    notification::NewNotification,
    templates::Templates,
};

/// Topics that notify-svc consumes.
pub const TOPICS: [&str; 4] =
    [OrderCreated::TOPIC, OrderCancelled::TOPIC, OrderShipped::TOPIC, UserMailRequested::TOPIC];

/// Puts what events ask for into the inbox.
pub struct MailEvents {
    /// What operations need.
    pub app: App,
    /// Makes the subjects.
    pub templates: Arc<Templates>,
}

impl Handler for MailEvents {
    type Event = NewNotification;

    fn decode(&self, record: &Record) -> Result<NewNotification, BoxError> {
        let message = match &record.message {
            name if *name == OrderCreated::full_name() => EventMessage::OrderCreated,
            name if *name == OrderShipped::full_name() => EventMessage::OrderShipped,
            name if *name == OrderCancelled::full_name() => EventMessage::OrderCancelled,
            name if *name == UserMailRequested::full_name() => EventMessage::UserMailRequested,
            other => return Err(format!("unknown message {other:?}").into()),
        };
        let event = convert::event(message, &record.payload)?;
        Ok(NewNotification {
            event_id: event.event_id,
            kind: event.kind,
            recipient: event.recipient,
            subject: self.templates.subject(&event.letter)?,
            order_id: event.letter.content.order().map(|order| order.id),
            payload: record.payload.clone(),
            traceparent: record.traceparent.clone(),
        })
    }

    async fn handle(&self, events: Vec<NewNotification>) -> Result<(), mesh::Error> {
        inbox::receive(&self.app, &events).await
    }
}
