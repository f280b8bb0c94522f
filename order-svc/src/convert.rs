//! Converts between the contract's messages and order-svc's own types. Every field of a
//! request is validated here, and all bad fields are reported at once.

mod checkout;
mod export;
mod order;
mod statistics;

use chrono::{DateTime, Utc};
use mesh::validate::Violations;
use proto::time::{Timestamp, from_timestamp};

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

/// Returns the time if one is set.
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
