//! What is held for a checkout, and the rules by which a batch of requests is decided
//! and a reservation moves. Does no I/O.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::{
    error::{Error, Shortage},
    inventory::{ChangeReason, NewChange, Stock},
    product::ProductId,
};

mesh_data::id_type!(
    /// Id of the order that a reservation is for, derived by order-svc.
    OrderId
);

mesh_data::text_enum! {
    /// Where a reservation stands.
    ///
    /// **Invariant:** `Held` goes to any other, `Committed` only to `Returned`, and no
    /// other way: each message that finds it elsewhere does nothing.
    pub enum ReservationState {
        /// Stock is held for a checkout under way.
        Held = "HELD",
        /// The order exists and took the stock.
        Committed = "COMMITTED",
        /// The order was cancelled and the stock went back.
        Returned = "RETURNED",
        /// The checkout was given up for good.
        Released = "RELEASED",
    }
}

/// An item as sold: name and price of the moment of the hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservedItem {
    /// The product.
    pub product_id: ProductId,
    /// Its name.
    pub name: String,
    /// How many.
    pub quantity: i32,
    /// Price of one in minor units.
    pub price_minor: i64,
}

/// Stock held for a checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// The order it is for.
    pub order_id: OrderId,
    /// SHA-256 of all that the customer asked for.
    pub fingerprint: Vec<u8>,
    /// Where it stands.
    pub state: ReservationState,
    /// What is held, in the order asked.
    pub items: Vec<ReservedItem>,
}

impl Reservation {
    /// Whether nothing can move it any more.
    pub fn is_final(&self) -> bool {
        matches!(self.state, ReservationState::Returned | ReservationState::Released)
    }
}

/// A request to hold stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReserveStock {
    /// The order it is for.
    pub order_id: OrderId,
    /// SHA-256 of all that the customer asked for.
    pub fingerprint: Vec<u8>,
    /// What to hold: each product once, and how many.
    pub items: Vec<(ProductId, i32)>,
    /// What the customer expects to pay, in minor units.
    pub expected_total_minor: Option<i64>,
}

/// A hold, and whether it was there before this request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// What is held.
    pub items: Vec<ReservedItem>,
    /// Whether the hold was there before.
    pub known: bool,
}

/// Sum of price × quantity.
pub fn total_minor(items: &[ReservedItem]) -> i64 {
    items.iter().map(|item| item.price_minor * i64::from(item.quantity)).sum()
}

/// What product-svc tells of a product for sale: its name and price.
pub type Offers = HashMap<ProductId, (String, i64)>;

impl ReserveStock {
    /// The items as they would be sold now.
    ///
    /// # Errors
    /// PRODUCT_NOT_FOUND or PRICE_CHANGED.
    pub fn offered(&self, offers: &Offers, currency: &str) -> Result<Vec<ReservedItem>, Error> {
        let missing = self.items.iter().filter(|(id, _)| !offers.contains_key(id));
        let keys: Vec<_> = missing.map(|(id, _)| id.to_string()).collect();
        if !keys.is_empty() {
            return Err(Error::ProductNotFound { keys });
        }
        let items: Vec<_> = self
            .items
            .iter()
            .map(|&(product_id, quantity)| {
                let (name, price_minor) = offers[&product_id].clone();
                ReservedItem { product_id, name, quantity, price_minor }
            })
            .collect();
        let total = total_minor(&items);
        match self.expected_total_minor {
            Some(expected) if expected != total => {
                Err(Error::PriceChanged { total: proto::money::from_minor(total, currency) })
            }
            _ => Ok(items),
        }
    }

    /// The answer to this request where its row is there already.
    ///
    /// # Errors
    /// CHECKOUT_ABANDONED whatever the body, or REQUEST_ID_REUSED for another one.
    pub fn answer_known(&self, known: &Reservation) -> Result<Held, Error> {
        match known.state {
            ReservationState::Released => Err(Error::CheckoutAbandoned),
            _ if known.fingerprint != self.fingerprint => Err(Error::RequestIdReused),
            _ => Ok(Held { items: known.items.clone(), known: true }),
        }
    }
}

/// Takes from `stock` what `items` need, all of it or nothing.
///
/// # Errors
/// OUT_OF_STOCK with every product that is short.
pub fn hold(stock: &mut BTreeMap<ProductId, Stock>, items: &[ReservedItem]) -> Result<(), Error> {
    let shortages: Vec<_> = items
        .iter()
        .filter_map(|item| {
            let available = stock.get(&item.product_id).map_or(0, Stock::available);
            let (product_id, requested) = (item.product_id, item.quantity);
            let shortage = Shortage { product_id, requested, available };
            (available < requested).then_some(shortage)
        })
        .collect();
    if !shortages.is_empty() {
        return Err(Error::OutOfStock { shortages });
    }
    for item in items {
        if let Some(stock) = stock.get_mut(&item.product_id) {
            stock.held += item.quantity;
        }
    }
    Ok(())
}

/// What was learnt of a checkout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its order exists.
    Placed,
    /// Its order was cancelled.
    Cancelled,
    /// There is no order and never will be: order-svc wrote a tombstone.
    Abandoned,
}

/// What a batch of outcomes does to reservations and stock.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Settlement {
    /// Reservations that moved, and where to.
    pub moved: Vec<(OrderId, ReservationState)>,
    /// Rows for the ledger.
    pub changes: Vec<NewChange>,
}

/// Applies `outcomes`, in their order, to the reservations and the stock they are
/// about. What finds its reservation elsewhere, or finds none, does nothing.
pub fn settle(
    reservations: &mut HashMap<OrderId, Reservation>,
    stock: &mut BTreeMap<ProductId, Stock>,
    outcomes: &[(OrderId, Outcome)],
) -> Settlement {
    use ReservationState::{Committed, Held, Released, Returned};
    let mut settlement = Settlement::default();
    let mut moved = HashSet::new();
    for &(order_id, outcome) in outcomes {
        let Some(reservation) = reservations.get_mut(&order_id) else {
            continue;
        };
        let to = match (reservation.state, outcome) {
            (Held, Outcome::Placed) => Committed,
            (Held | Committed, Outcome::Cancelled) => Returned,
            (Held, Outcome::Abandoned) => Released,
            _ => continue,
        };
        for item in &reservation.items {
            let stock = stock.entry(item.product_id).or_default();
            if reservation.state == Held {
                stock.held -= item.quantity;
            }
            let (delta, reason) = match (reservation.state, to) {
                (Held, Committed) => (-item.quantity, ChangeReason::OrderPlaced),
                (Committed, Returned) => (item.quantity, ChangeReason::OrderCancelled),
                _ => continue,
            };
            stock.on_hand += delta;
            settlement.changes.push(NewChange {
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
        moved.insert(order_id);
    }
    settlement.moved = moved.into_iter().map(|id| (id, reservations[&id].state)).collect();
    settlement.moved.sort_by_key(|(id, _)| *id);
    settlement
}

#[cfg(test)]
mod tests {
    use super::*;
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

    fn reserve(expected_total_minor: Option<i64>) -> ReserveStock {
        ReserveStock {
            order_id: order(1),
            fingerprint: vec![1; 32],
            items: vec![(product(1), 2)],
            expected_total_minor,
        }
    }

    #[test]
    fn a_hold_takes_all_items_or_none_and_tells_every_shortage() {
        let mut stock = BTreeMap::from([stock_of(1, 5, 4), stock_of(2, 0, 0), stock_of(3, 9, 0)]);
        let before = stock.clone();
        let refused = hold(&mut stock, &[item(1, 2), item(2, 1), item(3, 1)]);
        let Err(Error::OutOfStock { shortages }) = refused else {
            panic!("two products are short");
        };
        let told: Vec<_> = shortages.iter().map(|s| (s.product_id, s.available)).collect();
        assert_eq!(told, [(product(1), 1), (product(2), 0)]);
        assert_eq!(stock, before);

        assert!(hold(&mut stock, &[item(1, 1), item(3, 9)]).is_ok());
        assert_eq!(stock[&product(3)].available(), 0);
    }

    #[test]
    fn a_total_other_than_expected_is_told_with_the_one_of_now() {
        let offers = Offers::from([(product(1), ("Cup".into(), 250))]);
        assert!(reserve(None).offered(&offers, "EUR").is_ok());
        assert!(reserve(Some(500)).offered(&offers, "EUR").is_ok());
        let Err(Error::PriceChanged { total }) = reserve(Some(499)).offered(&offers, "EUR") else {
            panic!("the total is 5.00");
        };
        assert_eq!((total.units, total.nanos), (5, 0));
    }

    #[test]
    fn a_released_row_answers_abandoned_to_any_body() {
        let row = |state, fingerprint: u8| Reservation {
            order_id: order(1),
            fingerprint: vec![fingerprint; 32],
            state,
            items: vec![item(1, 2)],
        };
        let answer = |state, fingerprint| reserve(None).answer_known(&row(state, fingerprint));
        for fingerprint in [1, 2] {
            let released = answer(ReservationState::Released, fingerprint);
            assert!(matches!(released, Err(Error::CheckoutAbandoned)));
        }
        use ReservationState::{Committed, Held, Returned};
        for state in [Held, Committed, Returned] {
            assert!(matches!(answer(state, 2), Err(Error::RequestIdReused)));
            assert!(answer(state, 1).is_ok_and(|held| held.known));
        }
    }

    fn outcomes() -> impl Strategy<Value = Vec<(OrderId, Outcome)>> {
        let outcome =
            prop_oneof![Just(Outcome::Placed), Just(Outcome::Cancelled), Just(Outcome::Abandoned),];
        prop::collection::vec(((0..4_u8).prop_map(order), outcome), 0..20)
    }

    proptest! {
        /// Events come twice and in any order; the ledger sums to `on_hand`, nothing is
        /// held that no `Held` reservation holds, and nothing ever falls below zero.
        #[test]
        fn any_order_of_events_keeps_the_books(outcomes in outcomes(), cut in 0..20_usize) {
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
                for change in settle(&mut rows, &mut stock, batch).changes {
                    *ledger.entry(change.product_id).or_default() += change.delta;
                    prop_assert!(change.on_hand_after >= 0);
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
