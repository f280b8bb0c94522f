//! What product-svc asks of others.

use mesh::channel::Channel;
use proto::order::v1::{
    CheckoutOutcome, ResolveCheckoutsRequest, checkout_service_client::CheckoutServiceClient,
};
use uuid::Uuid;

use crate::{
    error::Error,
    reservation::{OrderId, Outcome},
};

/// Asks order-svc what became of checkouts. Cheap to clone.
#[derive(Clone)]
pub struct Checkouts(CheckoutServiceClient<Channel>);

impl Checkouts {
    /// Asks over `order_svc`.
    pub fn new(order_svc: Channel) -> Self {
        Self(CheckoutServiceClient::new(order_svc))
    }

    /// What became of each of `order_ids`; one that is not told of stays open.
    ///
    /// # Errors
    /// An order-svc that is not there.
    pub async fn resolve(&self, order_ids: &[OrderId]) -> Result<Vec<(OrderId, Outcome)>, Error> {
        let order_ids = order_ids.iter().map(ToString::to_string).collect();
        let request = ResolveCheckoutsRequest { order_ids };
        let response = self.0.clone().resolve_checkouts(request).await.map_err(|status| {
            mesh::Error::Unavailable { reason: "ORDER_SVC_UNAVAILABLE", source: status.into() }
        })?;
        let told = response.into_inner().checkouts.into_iter();
        Ok(told
            .filter_map(|checkout| {
                let id = OrderId(Uuid::try_parse(&checkout.order_id).ok()?);
                match checkout.outcome() {
                    CheckoutOutcome::Placed => Some((id, Outcome::Placed)),
                    CheckoutOutcome::Abandoned => Some((id, Outcome::Abandoned)),
                    CheckoutOutcome::Unspecified => None,
                }
            })
            .collect())
    }
}
