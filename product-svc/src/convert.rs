//! Between the contract's messages and product-svc's own types: every field of a
//! request is checked here, and all that are bad are told at once.

mod inventory;
mod product;
mod reservation;

use std::str::FromStr;

use mesh::validate::Violations;

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
