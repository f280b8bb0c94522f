//! What stock is, why it changes, and what an admin's update does to it. Does no I/O.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    error::Error,
    product::{ProductId, StockState},
    reservation::OrderId,
};

/// The stock of one product.
///
/// **Invariant:** `0 ≤ held ≤ on_hand`; the ledger's deltas add up to `on_hand`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stock {
    /// In the house, held or not.
    pub on_hand: i32,
    /// Held by checkouts under way.
    pub held: i32,
    /// At this many available or fewer, stock is low.
    pub low_stock_threshold: i32,
    /// Grows with each change of `on_hand` or the threshold.
    pub version: i64,
}

impl Stock {
    /// What can be sold.
    pub fn available(&self) -> i32 {
        self.on_hand - self.held
    }

    /// Whether it can be bought now.
    pub fn state(&self) -> StockState {
        StockState::of(self.available(), self.low_stock_threshold)
    }
}

/// The stock of one product, as an admin sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// The product.
    pub product_id: ProductId,
    /// Its name.
    pub product_name: String,
    /// Its SKU.
    pub sku: String,
    /// Its stock.
    pub stock: Stock,
    /// When `on_hand` or the threshold was last changed.
    pub updated_at: DateTime<Utc>,
}

/// Why `on_hand` changed; the numbers are the contract's `InventoryChangeReason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[allow(missing_docs)]
pub enum ChangeReason {
    Received = 1,
    Counted = 2,
    Damaged = 3,
    Lost = 4,
    CustomerReturn = 5,
    Other = 6,
    OrderPlaced = 7,
    OrderCancelled = 8,
    Imported = 9,
}

/// A row to add to the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewChange {
    /// The product.
    pub product_id: ProductId,
    /// What was added to `on_hand`.
    pub delta: i32,
    /// `on_hand` after the change.
    pub on_hand_after: i32,
    /// Why.
    pub reason: ChangeReason,
    /// What the admin noted.
    pub note: String,
    /// Who did it; none is the system.
    pub actor_id: Option<Uuid>,
    /// The order that had a part in it.
    pub order_id: Option<OrderId>,
}

/// A row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Id: UUIDv7, the order of the ledger.
    pub id: Uuid,
    /// The product.
    pub product_id: ProductId,
    /// What was added to `on_hand`.
    pub delta: i32,
    /// `on_hand` after the change.
    pub on_hand_after: i32,
    /// Number of the contract's `InventoryChangeReason`.
    pub reason: i16,
    /// What the admin noted.
    pub note: String,
    /// Who did it; none is the system.
    pub actor_id: Option<Uuid>,
    /// The order that had a part in it.
    pub order_id: Option<OrderId>,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// What an update does to `on_hand`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum OnHandChange {
    /// This is what is there.
    Set(i32),
    /// This much came or went.
    AdjustBy(i32),
}

/// An admin's update of the stock of one product.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct InventoryUpdate {
    /// The product.
    pub product_id: ProductId,
    /// What happens to `on_hand`, and why.
    pub change: Option<(OnHandChange, ChangeReason)>,
    /// What the admin noted.
    pub note: String,
    /// The version that the stock must still have.
    pub version: Option<i64>,
    /// The new threshold.
    pub low_stock_threshold: Option<i32>,
}

impl InventoryUpdate {
    /// The stock after this update.
    ///
    /// # Errors
    /// STALE_ETAG, STOCK_HELD, or VALIDATION_FAILED for an adjustment out of range.
    pub fn apply(&self, stock: &Stock) -> Result<Stock, Error> {
        if self.version.is_some_and(|version| version != stock.version) {
            let etag = stock.version.to_string();
            return Err(Error::StaleEtag { etag, on_hand: Some(stock.on_hand) });
        }
        let on_hand = match self.change {
            None => stock.on_hand,
            Some((OnHandChange::Set(on_hand), _)) => on_hand,
            Some((OnHandChange::AdjustBy(delta), _)) => stock.on_hand.saturating_add(delta),
        };
        if on_hand < stock.held {
            return Err(Error::StockHeld { on_hand, held: stock.held });
        }
        if on_hand > crate::product::QUANTITY_MAX {
            let mut violations = mesh::validate::Violations::new();
            violations.add("adjust_by", "must not bring on_hand above 1,000,000");
            return Err(violations.finish(()).expect_err("one was added").into());
        }
        Ok(Stock {
            on_hand,
            held: stock.held,
            low_stock_threshold: self.low_stock_threshold.unwrap_or(stock.low_stock_threshold),
            version: stock.version + 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(change: OnHandChange, version: Option<i64>) -> InventoryUpdate {
        InventoryUpdate {
            product_id: ProductId(Uuid::nil()),
            change: Some((change, ChangeReason::Counted)),
            note: String::new(),
            version,
            low_stock_threshold: None,
        }
    }

    #[test]
    fn stock_never_falls_below_what_is_held() {
        let stock = Stock { on_hand: 5, held: 3, low_stock_threshold: 2, version: 4 };
        let apply = |change| update(change, None).apply(&stock).map(|stock| stock.on_hand);
        assert!(matches!(apply(OnHandChange::Set(3)), Ok(3)));
        assert!(matches!(apply(OnHandChange::AdjustBy(-2)), Ok(3)));
        for change in [OnHandChange::Set(2), OnHandChange::AdjustBy(-3)] {
            let refused = apply(change);
            assert!(matches!(refused, Err(Error::StockHeld { on_hand: 2, held: 3 })));
        }
        assert!(apply(OnHandChange::AdjustBy(i32::MAX)).is_err());
        assert!(apply(OnHandChange::AdjustBy(i32::MIN)).is_err());
    }

    #[test]
    fn a_stale_version_is_told_with_what_is_there() {
        let stock = Stock { on_hand: 5, held: 0, low_stock_threshold: 2, version: 4 };
        assert!(update(OnHandChange::Set(9), Some(4)).apply(&stock).is_ok());
        let stale = update(OnHandChange::Set(9), Some(3)).apply(&stock);
        assert!(matches!(stale, Err(Error::StaleEtag { on_hand: Some(5), .. })));
    }
}
