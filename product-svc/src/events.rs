//! Events that product-svc consumes. It publishes none but those of the audit trail.

use mesh::BoxError;
use mesh_data::kafka::Record;
use prost::{Message, Name};
use proto::order::v1::{Order, OrderCancelled, OrderCreated};
use uuid::Uuid;

use crate::{inventory::OrderId, reservation::Outcome};

/// Reads the outcome of a checkout from a record of order-svc.
pub(crate) fn decode(record: &Record) -> Result<(OrderId, Outcome), BoxError> {
    let payload = record.payload.as_slice();
    if record.message == OrderCreated::full_name() {
        Ok((order_id(OrderCreated::decode(payload)?.order)?, Outcome::Placed))
    } else if record.message == OrderCancelled::full_name() {
        Ok((order_id(OrderCancelled::decode(payload)?.order)?, Outcome::Cancelled))
    } else {
        Err(format!("unknown message {:?}", record.message).into())
    }
}

fn order_id(order: Option<Order>) -> Result<OrderId, BoxError> {
    let order = order.ok_or("the event has no order")?;
    Ok(OrderId(Uuid::try_parse(&order.order_id)?))
}
