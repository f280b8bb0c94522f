//! The events that order-svc publishes, and the one that it consumes. A service that
//! consumes them gets the order as an admin sees it.

use mesh::BoxError;
use mesh_data::outbox::NewEvent;
use prost::Message;
use proto::{
    notify::v1::{MailStateChanged, NotificationKind, NotificationState},
    order::v1::{OrderCancelled, OrderCreated, OrderShipped},
    topics::Event,
};
use uuid::Uuid;

use crate::{
    convert::{self, Viewer},
    order::{MailChange, MailState, Order, OrderId},
};

/// Builds the event of an order. The three messages have the same fields.
macro_rules! event {
    ($message:ident, $order:expr, $currency:expr) => {{
        let (id, order) = (Uuid::now_v7(), $order);
        let event = $message {
            event_id: id.to_string(),
            order: Some(convert::order(order.clone(), Viewer::Shop, $currency)),
            customer_email: order.customer.email.clone(),
            customer_name: order.customer.name.clone(),
            customer_email_verified: order.customer.email_verified,
        };
        NewEvent::new(id, $message::TOPIC, order.id.to_string(), &event)
    }};
}

pub(crate) fn order_created(order: &Order, currency: &str) -> NewEvent {
    event!(OrderCreated, order, currency)
}

pub(crate) fn order_cancelled(order: &Order, currency: &str) -> NewEvent {
    event!(OrderCancelled, order, currency)
}

pub(crate) fn order_shipped(order: &Order, currency: &str) -> NewEvent {
    event!(OrderShipped, order, currency)
}

/// Decodes a `MailStateChanged`; none if it is about another mail than a confirmation.
///
/// # Errors
/// Why it cannot be decoded.
pub(crate) fn mail_state_changed(
    message: &str,
    payload: &[u8],
) -> Result<Option<MailChange>, BoxError> {
    if message != <MailStateChanged as prost::Name>::full_name() {
        return Err(format!("unknown message {message:?}").into());
    }
    let event = MailStateChanged::decode(payload)?;
    let order_id = OrderId(Uuid::try_parse(&event.order_id)?);
    let mail_state = match NotificationState::try_from(event.state)? {
        NotificationState::Unspecified => return Err("the event has no state".into()),
        NotificationState::Pending => MailState::Pending,
        NotificationState::Sent => MailState::Sent,
        NotificationState::Failed => MailState::Failed,
    };
    let change = MailChange { order_id, mail_state, version: event.version };
    let is_confirmation = event.kind() == NotificationKind::OrderConfirmation;
    Ok(is_confirmation.then_some(change))
}
