//! Between the contract's messages and order-svc's own types: every field of a request
//! is checked here, and all that are bad are told at once.

mod checkout;
mod event;
mod order;
mod order_admin;

use chrono::{DateTime, Utc};
use mesh::validate::Violations;
use proto::time::{Timestamp, from_timestamp};

pub use self::{checkout::*, event::*, order::*, order_admin::*};
use crate::order::OrderId;

type Result<T> = std::result::Result<T, mesh::Error>;

/// The one field of a request that is about one order.
///
/// # Errors
/// VALIDATION_FAILED.
pub fn order_id(id: &str) -> Result<OrderId> {
    let mut violations = Violations::new();
    let id = violations.uuid("order_id", id);
    violations.finish(OrderId(id))
}

/// The time if one is set.
fn time(
    violations: &mut Violations,
    field: &str,
    time: Option<&Timestamp>,
) -> Option<DateTime<Utc>> {
    let time = time?;
    let read = from_timestamp(time);
    violations.require(read.is_some(), field, "must be a time of the years 1 to 9999");
    read
}
