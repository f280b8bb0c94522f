//! Consumes the events of orders: `order-created` commits a reservation, `order-cancelled` returns
//! its stock.

use mesh::BoxError;
use mesh_data::{consumer::Handler, database::Database, kafka::Record};
use proto::{
    order::v1::{OrderCancelled, OrderCreated},
    topics::Event,
};

use crate::{
    error::Error,
    events,
    inventory::OrderId,
    reservation::{Outcome, outcomes::apply_outcomes},
};

/// Topics that product-svc consumes.
pub(crate) const TOPICS: [&str; 2] = [OrderCreated::TOPIC, OrderCancelled::TOPIC];

/// Applies the outcomes of checkouts that events report.
pub(crate) struct OrderEvents {
    pub database: Database,
}

impl Handler for OrderEvents {
    type Event = (OrderId, Outcome);

    fn decode(&self, record: &Record) -> Result<Self::Event, BoxError> {
        events::decode(record)
    }

    async fn handle(&self, events: Vec<Self::Event>) -> Result<(), mesh::Error> {
        apply_outcomes(&self.database, &events).await.map_err(|error| match error {
            Error::Mesh(error) => error,
            other => mesh::Error::internal(other),
        })
    }
}
