//! Stock and its ledger: reasons of changes, and what an admin's update does. No I/O.

pub(crate) mod ledger;
pub(crate) mod stock;

use chrono::{DateTime, Utc};
use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::SmallInt};
use mesh::validate::Violations;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    error::Error,
    product::{ProductId, QUANTITY_MAX, StockState, fingerprint},
};

mesh_data::id_type!(
    /// Id of an order, derived by order-svc. Ledger entries and reservations refer to it.
    OrderId
);

/// The stock of one product.
///
/// **Invariant:** `0 ≤ held ≤ on_hand`; the deltas of the ledger add up to `on_hand`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Stock {
    /// The physical stock, held or not.
    pub on_hand: i32,
    /// The part of `on_hand` that `HELD` reservations claim.
    pub held: i32,
    /// Stock is low if no more than this is available.
    pub low_stock_threshold: i32,
    /// Grows with each change of `on_hand` or the threshold. The etag.
    pub version: i64,
}

impl Stock {
    /// Returns what can be sold now.
    pub fn available(&self) -> i32 {
        self.on_hand - self.held
    }

    /// Returns the fields that an entry of the audit compares.
    pub fn audited_fields(&self) -> Value {
        json!({ "on_hand": self.on_hand, "low_stock_threshold": self.low_stock_threshold })
    }

    pub fn state(&self) -> StockState {
        StockState::new(self.available(), self.low_stock_threshold)
    }
}

/// The stock of one product, as an admin sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inventory {
    pub product_id: ProductId,
    pub product_name: String,
    pub sku: String,
    /// The sort key of lists by name.
    pub name_key: String,
    pub stock: Stock,
    pub updated_at: DateTime<Utc>,
}

/// Why `on_hand` changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression, FromSqlRow, Serialize)]
#[diesel(sql_type = SmallInt)]
pub(crate) enum ChangeReason {
    Received,
    Counted,
    Damaged,
    Lost,
    CustomerReturn,
    Other,
    OrderPlaced,
    OrderCancelled,
    Imported,
}

/// A ledger entry to insert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewLedgerEntry {
    pub product_id: ProductId,
    /// What was added to `on_hand`.
    pub delta: i32,
    pub on_hand_after: i32,
    pub reason: ChangeReason,
    /// Note of the admin.
    pub note: String,
    /// Account or API client. `None`: the system.
    pub actor_id: Option<Uuid>,
    /// The order that caused the change.
    pub order_id: Option<OrderId>,
}

/// One row of the ledger, which only grows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LedgerEntry {
    /// UUIDv7.
    pub id: Uuid,
    pub product_id: ProductId,
    /// What was added to `on_hand`.
    pub delta: i32,
    pub on_hand_after: i32,
    pub reason: ChangeReason,
    /// Note of the admin.
    pub note: String,
    /// Account or API client. `None`: the system.
    pub actor_id: Option<Uuid>,
    /// The order that caused the change.
    pub order_id: Option<OrderId>,
    pub created_at: DateTime<Utc>,
    /// Version of the stock after the change: the order of the ledger. Entries of one version are in
    /// order of `id`.
    pub version: i64,
}

/// What an update does to `on_hand`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum OnHandChange {
    Set(i32),
    AdjustBy(i32),
}

/// An admin's update of the stock of one product.
///
/// **Invariant:** its serialized form is the same in every version, since the fingerprint is made of
/// it. A new field is left out where it is not set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct InventoryUpdate {
    pub product_id: ProductId,
    pub change: Option<(OnHandChange, ChangeReason)>,
    /// Note for the ledger.
    pub note: String,
    /// The version that must be current: optimistic concurrency.
    pub version: Option<i64>,
    /// The new threshold. `None`: unchanged.
    pub low_stock_threshold: Option<i32>,
}

impl InventoryUpdate {
    /// Returns the SHA-256 of all that the request asks for.
    pub fn fingerprint(&self) -> Vec<u8> {
        fingerprint(self)
    }

    /// Returns `stock` after this update.
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
        let mut violations = Violations::new();
        let problem = "must not bring on_hand above 1,000,000";
        violations.require(on_hand <= QUANTITY_MAX, "adjust_by", problem);
        Ok(violations.finish(Stock {
            on_hand,
            held: stock.held,
            low_stock_threshold: self.low_stock_threshold.unwrap_or(stock.low_stock_threshold),
            version: stock.version + 1,
        })?)
    }
}

/// The filters of ListInventory.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct InventoryFilter {
    /// Words to find. Empty: all products.
    pub query: String,
    /// Only stock that is low or out.
    pub low_stock_only: bool,
}

/// The sort key of a product in ListInventory.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct InventoryCursor {
    pub name_key: String,
    pub product_id: ProductId,
}

impl InventoryCursor {
    /// Returns the cursor of the rows after `inventory`.
    pub fn after(inventory: &Inventory) -> Self {
        Self { name_key: inventory.name_key.clone(), product_id: inventory.product_id }
    }
}

/// The sort key of a ledger entry.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LedgerCursor {
    pub version: i64,
    pub id: Uuid,
}

impl LedgerCursor {
    /// Returns the cursor of the rows after `entry`.
    pub fn after(entry: &LedgerEntry) -> Self {
        Self { version: entry.version, id: entry.id }
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
            let rejected = apply(change);
            assert!(matches!(rejected, Err(Error::StockHeld { on_hand: 2, held: 3 })));
        }
        assert!(apply(OnHandChange::AdjustBy(i32::MAX)).is_err());
        assert!(apply(OnHandChange::AdjustBy(i32::MIN)).is_err());
    }

    #[test]
    fn the_fingerprint_of_an_update_is_the_same_in_every_version() {
        let mut all = update(OnHandChange::Set(9), Some(4));
        all.note = "Räumung".into();
        all.low_stock_threshold = Some(3);
        let none = update(OnHandChange::AdjustBy(-2), None);
        let threshold_alone = InventoryUpdate { change: None, ..none.clone() };
        for (update, golden) in [
            (all, "6dad9dbcc41fbf9e667ee7e3ab1a76c36fcf0d0e3c16a94a85913080103cff24"),
            (none, "654937acf8fd52fe46c2cac88890a9bde17049da07014b5afeeac3d628b14ead"),
            (threshold_alone, "9ba6cbaa74d0b74f80a2f76b530a162ce98d8102714ba85a39063e7b64193098"),
        ] {
            assert_eq!(hex(&update.fingerprint()), golden);
        }
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn a_stale_version_is_rejected_with_the_current_stock() {
        let stock = Stock { on_hand: 5, held: 0, low_stock_threshold: 2, version: 4 };
        assert!(update(OnHandChange::Set(9), Some(4)).apply(&stock).is_ok());
        let stale = update(OnHandChange::Set(9), Some(3)).apply(&stock);
        assert!(matches!(stale, Err(Error::StaleEtag { on_hand: Some(5), .. })));
    }
}
