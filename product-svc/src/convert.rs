//! Converts between messages of the contract and domain types. Checks every field of a request and
//! reports all bad ones at once.

mod import;
mod inventory;
mod product;
mod reservation;

use std::str::FromStr;

use mesh::validate::Violations;

pub(crate) use self::{import::*, inventory::*, product::*, reservation::*};
use crate::product::ProductId;

/// Longest search query, in characters.
const QUERY_CHARACTERS_MAX: usize = 200;

type Result<T> = std::result::Result<T, mesh::Error>;

/// Reads the one field of a request about one product.
pub(crate) fn product_id(id: &str) -> Result<ProductId> {
    let mut violations = Violations::new();
    let id = violations.uuid("product_id", id);
    violations.finish(ProductId(id))
}

/// Returns the version of an etag, or `None` for an empty one. An unknown etag is a version that no
/// row has.
fn etag(violations: &mut Violations, field: &str, etag: &str) -> Option<i64> {
    violations.require(etag.len() <= 40, field, "must come from a response");
    (!etag.is_empty()).then(|| i64::from_str(etag).unwrap_or(-1))
}
