//! Events: those that order-svc publishes, and the one it reads.

use mesh::BoxError;
use prost::Message;
use proto::{
    notify::v1::{MailStateChanged, NotificationKind, NotificationState},
    order::v1 as pb,
};
use uuid::Uuid;

use super::{Viewer, order};
use crate::order::{MailChange, MailState, Order, OrderId};

/// The event that `of` was placed.
pub fn order_created(event_id: Uuid, of: &Order, currency: &str) -> pb::OrderCreated {
    pb::OrderCreated {
        event_id: event_id.to_string(),
        order: Some(order(of.clone(), Viewer::Shop, currency)),
        customer_email: of.customer.email.clone(),
        customer_name: of.customer.name.clone(),
    }
}

/// The event that `of` was cancelled.
pub fn order_cancelled(event_id: Uuid, of: &Order, currency: &str) -> pb::OrderCancelled {
    pb::OrderCancelled {
        event_id: event_id.to_string(),
        order: Some(order(of.clone(), Viewer::Shop, currency)),
        customer_email: of.customer.email.clone(),
        customer_name: of.customer.name.clone(),
    }
}

/// The event that `of` was shipped.
pub fn order_shipped(event_id: Uuid, of: &Order, currency: &str) -> pb::OrderShipped {
    pb::OrderShipped {
        event_id: event_id.to_string(),
        order: Some(order(of.clone(), Viewer::Shop, currency)),
        customer_email: of.customer.email.clone(),
        customer_name: of.customer.name.clone(),
    }
}

/// What a `MailStateChanged` says of an order's confirmation; none where it is about
/// another mail.
///
/// # Errors
/// Why it cannot be read.
pub fn mail_state_changed(payload: &[u8]) -> Result<Option<MailChange>, BoxError> {
    let event = MailStateChanged::decode(payload)?;
    let order_id = OrderId(Uuid::try_parse(&event.order_id)?);
    let mail_state = match NotificationState::try_from(event.state)? {
        NotificationState::Unspecified => return Err("the event states no state".into()),
        NotificationState::Pending => MailState::Pending,
        NotificationState::Sent => MailState::Sent,
        NotificationState::Failed => MailState::Failed,
    };
    let change = MailChange { order_id, mail_state, version: event.version };
    let is_confirmation = event.kind() == NotificationKind::OrderConfirmation;
    Ok(is_confirmation.then_some(change))
}
