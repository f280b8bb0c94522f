//! Events of orders: `order-created` commits a reservation, `order-cancelled` gives
//! its stock back.

use mesh::BoxError;
use mesh_data::{consumer::Handler, database::Database, kafka::Record};
use prost::{Message, Name};
use proto::order::v1::{Order, OrderCancelled, OrderCreated};
use uuid::Uuid;

use crate::{
    error::Error,
    reservation::{OrderId, Outcome},
    settle::write_outcomes,
};

/// Topics that product-svc consumes.
pub const TOPICS: [&str; 2] = ["order-created", "order-cancelled"];
/// The consumer group of all replicas.
pub const GROUP: &str = "product-svc";

/// Writes what events tell.
pub struct OrderEvents {
    /// The service's own database.
    pub database: Database,
}

impl Handler for OrderEvents {
    type Event = (OrderId, Outcome);

    fn decode(&self, record: &Record) -> Result<Self::Event, BoxError> {
        if record.message == OrderCreated::full_name() {
            let event = OrderCreated::decode(record.payload.as_slice())?;
            Ok((order_id(event.order)?, Outcome::Placed))
        } else if record.message == OrderCancelled::full_name() {
            let event = OrderCancelled::decode(record.payload.as_slice())?;
            Ok((order_id(event.order)?, Outcome::Cancelled))
        } else {
            Err(format!("unknown message {:?}", record.message).into())
        }
    }

    async fn handle(&self, events: Vec<Self::Event>) -> Result<(), mesh::Error> {
        write_outcomes(&self.database, &events).await.map_err(|error| match error {
            Error::Mesh(error) => error,
            other => mesh::Error::internal(other),
        })
    }
}

fn order_id(order: Option<Order>) -> Result<OrderId, BoxError> {
    let order = order.ok_or("the event has no order")?;
    Ok(OrderId(Uuid::try_parse(&order.order_id)?))
}
