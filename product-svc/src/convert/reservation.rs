//! Messages of `ReservationService`.

use mesh::validate::Violations;
use proto::{
    money::{amount, from_minor},
    product::v1 as pb,
};

use super::Result;
use crate::{
    inventory::OrderId,
    product::ProductId,
    reservation::{ReservationRequest, ReservedStock},
};

const ITEMS_MAX: usize = 50;
const ITEM_QUANTITY_MAX: i32 = 99;
/// SHA-256.
const FINGERPRINT_BYTES: usize = 32;

/// Reads ReserveStock.
pub(crate) fn reserve_stock(
    request: pb::ReserveStockRequest,
    currency: &str,
) -> Result<ReservationRequest> {
    let mut violations = Violations::new();
    let order_id = OrderId(violations.uuid("order_id", &request.order_id));
    let fingerprint = request.fingerprint;
    violations.require(fingerprint.len() == FINGERPRINT_BYTES, "fingerprint", "must be 32 bytes");
    let count = request.items.len();
    violations.require((1..=ITEMS_MAX).contains(&count), "items", "must be 1 to 50");
    let mut items: Vec<(ProductId, i32)> = Vec::with_capacity(count.min(ITEMS_MAX));
    for (i, item) in request.items.iter().take(ITEMS_MAX).enumerate() {
        let field = format!("items[{i}].product_id");
        let product_id = ProductId(violations.uuid(&field, &item.product_id));
        if items.iter().any(|(id, _)| *id == product_id) {
            violations.add(field, "must not come twice");
        }
        if !(1..=ITEM_QUANTITY_MAX).contains(&item.quantity) {
            violations.add(format!("items[{i}].quantity"), "must be 1 to 99");
        }
        items.push((product_id, item.quantity));
    }
    let expected = request.expected_total.as_ref();
    let expected_total_minor =
        expected.map(|total| amount(total, currency, violations.under("expected_total")));
    violations.finish(ReservationRequest { order_id, fingerprint, items, expected_total_minor })
}

/// Writes reserved stock.
pub(crate) fn reserved_stock(reserved: ReservedStock, currency: &str) -> pb::ReserveStockResponse {
    let items = reserved.items.into_iter().map(|item| pb::ReservedItem {
        product_id: item.product_id.to_string(),
        name: item.name,
        quantity: item.quantity,
        price: Some(from_minor(item.price_minor, currency)),
    });
    pb::ReserveStockResponse {
        items: items.collect(),
        total: Some(from_minor(reserved.total_minor, currency)),
        known: reserved.already_existed,
    }
}
