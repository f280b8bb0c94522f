//! Converts between the contract's messages and order-svc's own types. Every field of a
//! request is validated here, and all bad fields are reported at once.

mod checkout;
mod export;
mod order;
mod statistics;

use mesh::validate::Violations;

pub(crate) use self::{checkout::*, export::*, order::*, statistics::*};
use crate::order::OrderId;

type Result<T> = std::result::Result<T, mesh::Error>;

/// Returns the id of a request that is about one order.
///
/// # Errors
/// VALIDATION_FAILED.
pub(crate) fn order_id(id: &str) -> Result<OrderId> {
    let mut violations = Violations::new();
    let id = violations.uuid("order_id", id);
    violations.finish(OrderId(id))
}
