//! Events of orders, as rows for the outbox, from where mesh's relay publishes them.

use mesh_data::outbox::NewEvent;
use uuid::Uuid;

use crate::{convert, order::Order};

/// The event that an order was placed.
pub fn order_created(order: &Order, currency: &str) -> NewEvent {
    let id = Uuid::now_v7();
    let event = convert::order_created(id, order, currency);
    NewEvent::new(id, "order-created", order.id.to_string(), &event)
}

/// The event that an order was cancelled.
pub fn order_cancelled(order: &Order, currency: &str) -> NewEvent {
    let id = Uuid::now_v7();
    let event = convert::order_cancelled(id, order, currency);
    NewEvent::new(id, "order-cancelled", order.id.to_string(), &event)
}

/// The event that an order was shipped.
pub fn order_shipped(order: &Order, currency: &str) -> NewEvent {
    let id = Uuid::now_v7();
    let event = convert::order_shipped(id, order, currency);
    NewEvent::new(id, "order-shipped", order.id.to_string(), &event)
}
