//! Reservations: the stock of checkouts, the rules of a hold, and the state transitions that
//! outcomes cause. No I/O.

pub mod outcomes;
pub(crate) mod reserve;
pub mod sweeper;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    error::{Error, Shortage},
    inventory::{ChangeReason, NewLedgerEntry, OrderId, Stock},
    product::{CurrentPrices, ProductId},
};

mesh_data::text_enum! {
    /// The state of a reservation.
    ///
    /// **Invariant:** the only transitions are from `Held` to any other state, and from `Committed`
    /// to `Returned`. A message that finds another state does nothing.
    pub enum ReservationState {
        /// Stock is held for a checkout in flight.
        Held = "HELD",
        /// The order exists and took the stock.
        Committed = "COMMITTED",
        /// The order was cancelled and its stock was returned.
        Returned = "RETURNED",
        /// The checkout was abandoned and its stock was released.
        Released = "RELEASED",
    }
}

/// A line item at the name and price of the moment of the hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReservedItem {
    pub product_id: ProductId,
    pub name: String,
    pub quantity: i32,
    /// Price of one unit in minor units of the currency.
    pub price_minor: i64,
}

/// The record of the stock of one checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reservation {
    pub order_id: OrderId,
    /// SHA-256 of the order request.
    pub fingerprint: Vec<u8>,
    pub state: ReservationState,
    /// In the order of the request.
    pub items: Vec<ReservedItem>,
}

impl Reservation {
    /// Returns whether no further transition is possible.
    pub fn is_final(&self) -> bool {
        matches!(self.state, ReservationState::Returned | ReservationState::Released)
    }
}

/// The contents of a ReserveStock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReservationRequest {
    pub order_id: OrderId,
    /// SHA-256 of the order request.
    pub fingerprint: Vec<u8>,
    /// Each product once, with its quantity.
    pub items: Vec<(ProductId, i32)>,
    /// The total that the customer has seen, in minor units.
    pub expected_total_minor: Option<i64>,
}

/// The stock that a request has reserved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReservedStock {
    pub items: Vec<ReservedItem>,
    /// In minor units.
    pub total_minor: i64,
    /// Whether this is an idempotent replay.
    pub already_existed: bool,
}

impl ReservedStock {
    /// Adds up the prices of `items`.
    pub fn new(items: Vec<ReservedItem>, already_existed: bool) -> Result<Self, Error> {
        let total_minor = total_minor(&items)?;
        Ok(Self { items, total_minor, already_existed })
    }
}

/// Returns the sum of price × quantity.
fn total_minor(items: &[ReservedItem]) -> Result<i64, Error> {
    let total = items.iter().try_fold(0_i64, |total, item| {
        total.checked_add(item.price_minor.checked_mul(i64::from(item.quantity))?)
    });
    total.ok_or_else(|| mesh::Error::internal("a total does not fit into 64 bits").into())
}

impl ReservationRequest {
    /// Returns the items at their current prices.
    ///
    /// # Errors
    /// PRODUCT_NOT_FOUND, PRICE_CHANGED or OUT_OF_STOCK.
    pub fn price_items(
        &self,
        prices: &CurrentPrices,
        currency: &str,
    ) -> Result<Vec<ReservedItem>, Error> {
        let missing = self.items.iter().filter(|(id, _)| !prices.contains_key(id));
        let keys: Vec<_> = missing.map(|(id, _)| id.to_string()).collect();
        if !keys.is_empty() {
            return Err(Error::ProductNotFound { keys });
        }
        let items = self.items.iter().map(|&(product_id, quantity)| {
            let price = prices[&product_id].clone();
            ReservedItem { product_id, name: price.name, quantity, price_minor: price.price_minor }
        });
        let items: Vec<_> = items.collect();
        let total_minor = total_minor(&items)?;
        if self.expected_total_minor.is_some_and(|expected| expected != total_minor) {
            return Err(Error::PriceChanged { total_minor, currency: currency.to_owned() });
        }
        check_available(&items, |id| prices[&id].available)?;
        Ok(items)
    }

    /// Returns the reservation that this request creates.
    pub fn reservation(&self, items: Vec<ReservedItem>) -> Reservation {
        Reservation {
            order_id: self.order_id,
            fingerprint: self.fingerprint.clone(),
            state: ReservationState::Held,
            items,
        }
    }

    /// Returns the stock of the existing reservation of this order: an idempotent replay.
    ///
    /// # Errors
    /// CHECKOUT_ABANDONED whatever the request, or REQUEST_ID_REUSED for another fingerprint.
    pub fn replay(&self, existing: &Reservation) -> Result<ReservedStock, Error> {
        if existing.state == ReservationState::Released {
            Err(Error::CheckoutAbandoned)
        } else if existing.fingerprint != self.fingerprint {
            Err(Error::RequestIdReused)
        } else {
            ReservedStock::new(existing.items.clone(), true)
        }
    }
}

/// Holds the stock of all `items`, or of none.
///
/// # Errors
/// OUT_OF_STOCK with every product that is short.
pub(crate) fn hold(
    stock: &mut BTreeMap<ProductId, Stock>,
    items: &[ReservedItem],
) -> Result<(), Error> {
    check_available(items, |id| stock.get(&id).map_or(0, Stock::available))?;
    for item in items {
        if let Some(stock) = stock.get_mut(&item.product_id) {
            stock.held += item.quantity;
        }
    }
    Ok(())
}

/// Reports every item of which less is available than requested.
fn check_available(
    items: &[ReservedItem],
    available: impl Fn(ProductId) -> i32,
) -> Result<(), Error> {
    let shortages = items.iter().filter_map(|item| {
        let (product_id, requested) = (item.product_id, item.quantity);
        let available = available(product_id);
        (available < requested).then_some(Shortage { product_id, requested, available })
    });
    let shortages: Vec<_> = shortages.collect();
    if shortages.is_empty() { Ok(()) } else { Err(Error::OutOfStock { shortages }) }
}

/// What is known about a checkout or its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The order exists.
    Placed,
    /// The order was cancelled.
    Cancelled,
    /// The checkout can never become an order: order-svc has a tombstone.
    Abandoned,
}

/// What outcomes change, beside the stock.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct AppliedOutcomes {
    /// The new states of reservations, by order id.
    pub transitions: Vec<(OrderId, ReservationState)>,
    pub ledger_entries: Vec<NewLedgerEntry>,
}

impl AppliedOutcomes {
    /// Applies `outcomes`, in their order, to reservations and stock. An outcome that allows no
    /// transition, or has no reservation, changes nothing.
    pub fn apply(
        reservations: &mut HashMap<OrderId, Reservation>,
        stock: &mut BTreeMap<ProductId, Stock>,
        outcomes: &[(OrderId, Outcome)],
    ) -> Self {
        let mut applied = Self::default();
        let mut changed = BTreeSet::new();
        for &(order_id, outcome) in outcomes {
            let Some(reservation) = reservations.get_mut(&order_id) else { continue };
            let Some(to) = transition(reservation.state, outcome) else { continue };
            for item in &reservation.items {
                let stock = stock.entry(item.product_id).or_default();
                if reservation.state == ReservationState::Held {
                    stock.held -= item.quantity;
                }
                let (delta, reason) = match (reservation.state, to) {
                    (ReservationState::Held, ReservationState::Committed) => {
                        (-item.quantity, ChangeReason::OrderPlaced)
                    }
                    (ReservationState::Committed, ReservationState::Returned) => {
                        (item.quantity, ChangeReason::OrderCancelled)
                    }
                    // The hold ends, and nothing leaves or enters the stock.
                    _ => continue,
                };
                stock.on_hand += delta;
                applied.ledger_entries.push(NewLedgerEntry {
                    product_id: item.product_id,
                    delta,
                    on_hand_after: stock.on_hand,
                    reason,
                    note: String::new(),
                    actor_id: None,
                    order_id: Some(order_id),
                });
            }
            reservation.state = to;
            changed.insert(order_id);
        }
        applied.transitions = changed.into_iter().map(|id| (id, reservations[&id].state)).collect();
        applied
    }
}

/// Returns the state that follows `from` after `outcome`, if there is a transition.
fn transition(from: ReservationState, outcome: Outcome) -> Option<ReservationState> {
    use ReservationState::{Committed, Held, Released, Returned};
    match (from, outcome) {
        (Held, Outcome::Placed) => Some(Committed),
        (Held | Committed, Outcome::Cancelled) => Some(Returned),
        (Held, Outcome::Abandoned) => Some(Released),
        (Committed, Outcome::Placed | Outcome::Abandoned) | (Returned | Released, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::CurrentPrice;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn product(n: u8) -> ProductId {
        ProductId(Uuid::from_bytes([n; 16]))
    }

    fn order(n: u8) -> OrderId {
        OrderId(Uuid::from_bytes([n; 16]))
    }

    fn item(n: u8, quantity: i32) -> ReservedItem {
        ReservedItem { product_id: product(n), name: format!("p{n}"), quantity, price_minor: 250 }
    }

    fn stock_of(n: u8, on_hand: i32, held: i32) -> (ProductId, Stock) {
        (product(n), Stock { on_hand, held, ..Stock::default() })
    }

    fn request(expected_total_minor: Option<i64>) -> ReservationRequest {
        ReservationRequest {
            order_id: order(1),
            fingerprint: vec![1; 32],
            items: vec![(product(1), 2)],
            expected_total_minor,
        }
    }

    #[test]
    fn a_hold_takes_all_items_or_none_and_reports_every_shortage() {
        let mut stock = BTreeMap::from([stock_of(1, 5, 4), stock_of(2, 0, 0), stock_of(3, 9, 0)]);
        let before = stock.clone();
        let rejected = hold(&mut stock, &[item(1, 2), item(2, 1), item(3, 1)]);
        let Err(Error::OutOfStock { shortages }) = rejected else {
            panic!("two products are short");
        };
        let reported: Vec<_> = shortages.iter().map(|s| (s.product_id, s.available)).collect();
        assert_eq!(reported, [(product(1), 1), (product(2), 0)]);
        assert_eq!(stock, before);

        assert!(hold(&mut stock, &[item(1, 1), item(3, 9)]).is_ok());
        assert_eq!(stock[&product(3)].available(), 0);
    }

    #[test]
    fn a_total_other_than_expected_is_rejected_with_the_current_total() {
        let price = CurrentPrice { name: "Cup".into(), price_minor: 250, available: 2 };
        let prices = CurrentPrices::from([(product(1), price)]);
        let price_items = |expected| request(expected).price_items(&prices, "EUR");
        assert!(price_items(None).is_ok());
        assert!(price_items(Some(500)).is_ok());
        let Err(Error::PriceChanged { total_minor, currency }) = price_items(Some(499)) else {
            panic!("the total is 5.00");
        };
        assert_eq!((total_minor, currency.as_str()), (500, "EUR"));
    }

    #[test]
    fn a_total_that_does_not_fit_is_an_error() {
        let price = CurrentPrice { name: "Cup".into(), price_minor: i64::MAX, available: 2 };
        let prices = CurrentPrices::from([(product(1), price)]);
        assert!(matches!(request(None).price_items(&prices, "EUR"), Err(Error::Mesh(_))));
    }

    #[test]
    fn a_released_reservation_is_abandoned_for_every_fingerprint() {
        let row = |state, fingerprint: u8| Reservation {
            order_id: order(1),
            fingerprint: vec![fingerprint; 32],
            state,
            items: vec![item(1, 2)],
        };
        let replay = |state, fingerprint| request(None).replay(&row(state, fingerprint));
        for fingerprint in [1, 2] {
            let released = replay(ReservationState::Released, fingerprint);
            assert!(matches!(released, Err(Error::CheckoutAbandoned)));
        }
        use ReservationState::{Committed, Held, Returned};
        for state in [Held, Committed, Returned] {
            assert!(matches!(replay(state, 2), Err(Error::RequestIdReused)));
            assert!(replay(state, 1).is_ok_and(|reserved| {
                (reserved.total_minor, reserved.already_existed) == (500, true)
            }));
        }
    }

    fn outcomes() -> impl Strategy<Value = Vec<(OrderId, Outcome)>> {
        let outcome =
            prop_oneof![Just(Outcome::Placed), Just(Outcome::Cancelled), Just(Outcome::Abandoned),];
        prop::collection::vec(((0..4_u8).prop_map(order), outcome), 0..20)
    }

    proptest! {
        /// Events arrive twice and in any order. The ledger adds up to `on_hand`, only `Held`
        /// reservations hold stock, and no quantity falls below zero.
        #[test]
        fn stock_and_ledger_agree_after_events_in_any_order(
            outcomes in outcomes(),
            cut in 0..20_usize,
        ) {
            let rows = (0..3_u8).map(|n| Reservation {
                order_id: order(n),
                fingerprint: vec![n; 32],
                state: ReservationState::Held,
                items: vec![item(1, 2), item(2, 1)],
            });
            let mut rows: HashMap<_, _> = rows.map(|row| (row.order_id, row)).collect();
            let mut stock = BTreeMap::from([stock_of(1, 10, 6), stock_of(2, 3, 3)]);
            let mut ledger = HashMap::from([(product(1), 10), (product(2), 3)]);
            let (first, second) = outcomes.split_at(cut.min(outcomes.len()));
            for batch in [first, second] {
                let applied = AppliedOutcomes::apply(&mut rows, &mut stock, batch);
                for entry in applied.ledger_entries {
                    *ledger.entry(entry.product_id).or_default() += entry.delta;
                    prop_assert!(entry.on_hand_after >= 0);
                }
            }
            let holds = rows.values().filter(|row| row.state == ReservationState::Held).count();
            for (n, quantity) in [(1, 2), (2, 1)] {
                let stock = &stock[&product(n)];
                prop_assert_eq!(stock.held, quantity * holds as i32);
                prop_assert_eq!(stock.on_hand, ledger[&product(n)]);
                prop_assert!(stock.held <= stock.on_hand);
            }
        }
    }
}
