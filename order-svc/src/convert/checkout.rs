//! Messages of `CheckoutService`.

use mesh::validate::Violations;
use proto::order::v1 as pb;

use super::Result;
use crate::{checkout::Resolution, order::OrderId};

const ORDER_IDS_MAX: usize = 500;

/// Which checkouts ResolveCheckouts asks about.
///
/// # Errors
/// VALIDATION_FAILED.
pub fn resolve_checkouts(request: &pb::ResolveCheckoutsRequest) -> Result<Vec<OrderId>> {
    let mut violations = Violations::new();
    let count = request.order_ids.len();
    violations.require((1..=ORDER_IDS_MAX).contains(&count), "order_ids", "must be 1 to 500");
    let ids = request.order_ids.iter().take(ORDER_IDS_MAX).enumerate();
    let ids = ids.map(|(i, id)| OrderId(violations.uuid(&format!("order_ids[{i}]"), id)));
    let ids = ids.collect();
    violations.finish(ids)
}

/// What became of checkouts, as the contract has it.
pub fn resolved(resolved: Vec<(OrderId, Resolution)>) -> pb::ResolveCheckoutsResponse {
    let checkouts = resolved.into_iter().map(|(id, resolution)| {
        let outcome = match resolution {
            Resolution::Placed => pb::CheckoutOutcome::Placed,
            Resolution::Abandoned => pb::CheckoutOutcome::Abandoned,
        };
        pb::ResolvedCheckout { order_id: id.to_string(), outcome: outcome.into() }
    });
    pb::ResolveCheckoutsResponse { checkouts: checkouts.collect() }
}
