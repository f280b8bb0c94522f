//! Calls of other services.

use mesh::channel::Channel;
use proto::order::v1::{
    CheckoutOutcome, ResolveCheckoutsRequest, checkout_service_client::CheckoutServiceClient,
};
use uuid::Uuid;

use crate::{error::Error, inventory::OrderId, reservation::Outcome};

/// Resolves checkouts in order-svc. Cheap to clone.
#[derive(Clone)]
pub struct Checkouts(CheckoutServiceClient<Channel>);

impl Checkouts {
    /// Uses the channel `order_svc`.
    pub fn new(order_svc: Channel) -> Self {
        Self(CheckoutServiceClient::new(order_svc))
    }

    /// Returns the outcomes of the checkouts of `order_ids`. A checkout without one stays open.
    pub(crate) async fn resolve(
        &self,
        order_ids: &[OrderId],
    ) -> Result<Vec<(OrderId, Outcome)>, Error> {
        let order_ids = order_ids.iter().map(ToString::to_string).collect();
        let request = ResolveCheckoutsRequest { order_ids };
        let response = self.0.clone().resolve_checkouts(request).await.map_err(|status| {
            mesh::Error::Unavailable { reason: "ORDER_SVC_UNAVAILABLE", source: status.into() }
        })?;
        let outcomes = response.into_inner().checkouts.into_iter().filter_map(|checkout| {
            let order_id = OrderId(Uuid::try_parse(&checkout.order_id).ok()?);
            match checkout.outcome() {
                CheckoutOutcome::Placed => Some((order_id, Outcome::Placed)),
                CheckoutOutcome::Abandoned => Some((order_id, Outcome::Abandoned)),
                CheckoutOutcome::Unspecified => None,
            }
        });
        Ok(outcomes.collect())
    }
}
