//! Messages of `CheckoutService`.

use mesh::validate::Violations;
use proto::order::v1 as pb;

use super::Result;
use crate::order::{CheckoutOutcome, OrderId};

const ORDER_IDS_MAX: usize = 500;

/// Returns the checkouts that ResolveCheckouts requests.
///
/// # Errors
/// VALIDATION_FAILED.
pub(crate) fn resolve_checkouts(request: &pb::ResolveCheckoutsRequest) -> Result<Vec<OrderId>> {
    let mut violations = Violations::new();
    let count = request.order_ids.len();
    violations.require((1..=ORDER_IDS_MAX).contains(&count), "order_ids", "must be 1 to 500");
    let ids = request.order_ids.iter().take(ORDER_IDS_MAX).enumerate();
    let ids = ids.map(|(i, id)| OrderId(violations.uuid(&format!("order_ids[{i}]"), id)));
    let ids = ids.collect();
    violations.finish(ids)
}

/// Converts outcomes of checkouts.
pub(crate) fn checkout_outcomes(
    outcomes: Vec<(OrderId, CheckoutOutcome)>,
) -> pb::ResolveCheckoutsResponse {
    let checkouts = outcomes.into_iter().map(|(id, outcome)| {
        let outcome = match outcome {
            CheckoutOutcome::Placed => pb::CheckoutOutcome::Placed,
            CheckoutOutcome::Abandoned => pb::CheckoutOutcome::Abandoned,
        };
        pb::ResolvedCheckout { order_id: id.to_string(), outcome: outcome.into() }
    });
    pb::ResolveCheckoutsResponse { checkouts: checkouts.collect() }
}
