//! Between the contract's messages and product-svc's own types: every field of a
//! request is checked here, and all that are bad are told at once.

mod inventory;
mod product;
mod reservation;

use std::str::FromStr;

use mesh::validate::Violations;
use proto::money::{Money, to_minor};

pub use self::{inventory::*, product::*, reservation::*};
use crate::product::ProductId;

/// Longest search query, in characters.
const QUERY_CHARACTERS_MAX: usize = 200;

type Result<T> = std::result::Result<T, mesh::Error>;

/// The one field of a request that is about one product.
///
/// # Errors
/// VALIDATION_FAILED.
pub fn product_id(id: &str) -> Result<ProductId> {
    let mut violations = Violations::new();
    let id = violations.uuid("product_id", id);
    violations.finish(ProductId(id))
}

/// The version that an etag stands for; an unknown one stands for none that is.
fn etag(violations: &mut Violations, field: &str, etag: &str) -> Option<i64> {
    violations.require(etag.len() <= 40, field, "must come from a response");
    (!etag.is_empty()).then(|| i64::from_str(etag).unwrap_or(-1))
}

/// An amount in minor units of the shop's currency, not below zero.
fn minor(violations: &mut Violations, field: &str, money: &Money, currency: &str) -> i64 {
    if money.currency_code != currency {
        violations.add(format!("{field}.currency_code"), format!("must be {currency}"));
    }
    match to_minor(money) {
        Ok(minor) if minor >= 0 => minor,
        Ok(_) => {
            violations.add(field, "must not be negative");
            0
        }
        Err(error) => {
            violations.add(field, error.to_string());
            0
        }
    }
}
