//! Messages of `InventoryService`.

use mesh::validate::Violations;
use mesh_data::page::{Page, PageTokens, Scope};
use proto::{product::v1 as pb, time::timestamp};
use uuid::Uuid;

use super::{QUERY_CHARACTERS_MAX, Result, etag};
use crate::{
    inventory::{
        ChangeReason, Inventory, InventoryCursor, InventoryFilter, InventoryUpdate, LedgerCursor,
        LedgerEntry, OnHandChange,
    },
    product::{ProductId, QUANTITY_MAX},
};

const NOTE_CHARACTERS_MAX: usize = 500;

/// Reads ListInventory.
pub(crate) fn list_inventory(
    request: &pb::ListInventoryRequest,
    caller: &str,
    tokens: &PageTokens,
) -> Result<(InventoryFilter, Page<InventoryCursor>)> {
    let mut violations = Violations::new();
    let filter = InventoryFilter {
        query: violations.text("query", &request.query, 0, QUERY_CHARACTERS_MAX),
        low_stock_only: request.low_stock_only,
    };
    let scope = Scope { method: "ListInventory", filters: &filter, caller };
    let page = Page::read(&mut violations, tokens, &scope, request.page_size, &request.page_token);
    violations.finish((filter, page))
}

/// Reads the idempotency key and the update of UpdateInventory.
pub(crate) fn update_inventory(
    request: &pb::UpdateInventoryRequest,
) -> Result<(Uuid, InventoryUpdate)> {
    use pb::update_inventory_request::Change::{AdjustBy, SetOnHand};
    let mut violations = Violations::new();
    let request_id = violations.uuid("request_id", &request.request_id);
    let product_id = ProductId(violations.uuid("product_id", &request.product_id));
    let note = violations.text("note", &request.note, 0, NOTE_CHARACTERS_MAX);
    let version = etag(&mut violations, "etag", &request.etag);
    if let Some(threshold) = request.low_stock_threshold {
        let good = (0..=QUANTITY_MAX).contains(&threshold);
        violations.require(good, "low_stock_threshold", "must be 0 to 1,000,000");
    }
    let on_hand = request.change.as_ref().map(|change| match *change {
        SetOnHand(on_hand) => {
            let good = (0..=QUANTITY_MAX).contains(&on_hand);
            violations.require(good, "set_on_hand", "must be 0 to 1,000,000");
            OnHandChange::Set(on_hand)
        }
        AdjustBy(delta) => {
            let good = delta != 0 && (-QUANTITY_MAX..=QUANTITY_MAX).contains(&delta);
            violations.require(good, "adjust_by", "must be −1,000,000 to 1,000,000 and not 0");
            OnHandChange::AdjustBy(delta)
        }
    });
    if on_hand.is_none() && request.low_stock_threshold.is_none() {
        violations.add("set_on_hand", "must be set, or adjust_by, or low_stock_threshold");
    }
    let reason = reason(request.reason);
    if on_hand.is_some() && reason.is_none() {
        violations.add("reason", "must be stated");
    }
    let change = on_hand.zip(reason);
    let low_stock_threshold = request.low_stock_threshold;
    let update = InventoryUpdate { product_id, change, note, version, low_stock_threshold };
    violations.finish((request_id, update))
}

fn reason(number: i32) -> Option<ChangeReason> {
    match pb::InventoryReason::try_from(number).ok()? {
        pb::InventoryReason::Unspecified => None,
        pb::InventoryReason::Received => Some(ChangeReason::Received),
        pb::InventoryReason::Counted => Some(ChangeReason::Counted),
        pb::InventoryReason::Damaged => Some(ChangeReason::Damaged),
        pb::InventoryReason::Lost => Some(ChangeReason::Lost),
        pb::InventoryReason::CustomerReturn => Some(ChangeReason::CustomerReturn),
        pb::InventoryReason::Other => Some(ChangeReason::Other),
    }
}

/// Reads ListInventoryChanges.
pub(crate) fn list_inventory_changes(
    request: &pb::ListInventoryChangesRequest,
    caller: &str,
    tokens: &PageTokens,
) -> Result<(ProductId, Page<LedgerCursor>)> {
    let mut violations = Violations::new();
    let id = ProductId(violations.uuid("product_id", &request.product_id));
    let scope = Scope { method: "ListInventoryChanges", filters: &id, caller };
    let page = Page::read(&mut violations, tokens, &scope, request.page_size, &request.page_token);
    violations.finish((id, page))
}

/// Writes the stock of a product.
pub(crate) fn inventory(inventory: Inventory) -> pb::Inventory {
    let stock = inventory.stock;
    pb::Inventory {
        product_id: inventory.product_id.to_string(),
        product_name: inventory.product_name,
        sku: inventory.sku,
        on_hand: stock.on_hand,
        held: stock.held,
        available: stock.available(),
        low_stock_threshold: stock.low_stock_threshold,
        etag: stock.version.to_string(),
        update_time: Some(timestamp(inventory.updated_at)),
    }
}

/// Writes a ledger entry.
pub(crate) fn inventory_change(entry: LedgerEntry) -> pb::InventoryChange {
    pb::InventoryChange {
        change_id: entry.id.to_string(),
        product_id: entry.product_id.to_string(),
        delta: entry.delta,
        on_hand_after: entry.on_hand_after,
        reason: change_reason(entry.reason).into(),
        note: entry.note,
        actor_id: entry.actor_id.map_or_else(String::new, |id| id.to_string()),
        order_id: entry.order_id.map_or_else(String::new, |id| id.to_string()),
        create_time: Some(timestamp(entry.created_at)),
    }
}

fn change_reason(reason: ChangeReason) -> pb::InventoryChangeReason {
    match reason {
        ChangeReason::Received => pb::InventoryChangeReason::Received,
        ChangeReason::Counted => pb::InventoryChangeReason::Counted,
        ChangeReason::Damaged => pb::InventoryChangeReason::Damaged,
        ChangeReason::Lost => pb::InventoryChangeReason::Lost,
        ChangeReason::CustomerReturn => pb::InventoryChangeReason::CustomerReturn,
        ChangeReason::Other => pb::InventoryChangeReason::Other,
        ChangeReason::OrderPlaced => pb::InventoryChangeReason::OrderPlaced,
        ChangeReason::OrderCancelled => pb::InventoryChangeReason::OrderCancelled,
        ChangeReason::Imported => pb::InventoryChangeReason::Imported,
    }
}
