//! Orders, the requests that they come from, and the rules that hold for both. Does no I/O.

pub(crate) mod customer_locks;
pub(crate) mod export;
pub(crate) mod filter;
pub mod fulfilment;
pub mod lookup;
pub mod open_orders;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

mesh_data::id_type!(
    /// Id of a checkout, and of the order that it becomes.
    OrderId
);
mesh_data::id_type!(
    /// Id of the account or API client that places orders.
    CustomerId
);
mesh_data::id_type!(
    /// Id of the account or API client of an admin.
    AdminId
);
mesh_data::id_type!(
    /// Id of a product.
    ProductId
);

impl OrderId {
    /// Returns the one id of a customer's idempotency key: every retry is about the same
    /// order.
    pub fn derive(customer: CustomerId, request_id: Uuid) -> Self {
        Self(Uuid::new_v5(&customer.0, request_id.as_bytes()))
    }
}

mesh_data::text_enum! {
    /// State of an order.
    pub enum OrderState {
        /// Placed, and not shipped: the initial state.
        Confirmed = "CONFIRMED",
        /// Handed to the carrier. Final.
        Shipped = "SHIPPED",
        /// Cancelled before it was shipped. Final.
        Cancelled = "CANCELLED",
    }
}

impl OrderState {
    pub(crate) const ALL: [Self; 3] = [Self::Confirmed, Self::Shipped, Self::Cancelled];
}

mesh_data::text_enum! {
    /// Delivery state of the mail that confirms an order.
    pub enum MailState {
        /// There is no address to mail to.
        None = "NONE",
        /// Not delivered yet.
        Pending = "PENDING",
        /// The mail server accepted it.
        Sent = "SENT",
        /// Rejected permanently.
        Failed = "FAILED",
    }
}

/// A new delivery state of an order's confirmation mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailChange {
    pub(crate) order_id: OrderId,
    pub(crate) mail_state: MailState,
    /// The change with the greatest version is the latest one.
    pub(crate) version: i64,
}

mesh_data::text_enum! {
    /// In which role an actor changed an order.
    pub enum ActorRole {
        /// As its customer.
        Customer = "CUSTOMER",
        /// As an admin of the shop.
        Admin = "ADMIN",
    }
}

/// Who changes an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// Its customer.
    Customer(CustomerId),
    /// An admin of the shop.
    Admin(AdminId),
}

impl Actor {
    pub(crate) fn new(role: ActorRole, id: Uuid) -> Self {
        match role {
            ActorRole::Customer => Self::Customer(CustomerId(id)),
            ActorRole::Admin => Self::Admin(AdminId(id)),
        }
    }

    pub(crate) fn role(self) -> ActorRole {
        match self {
            Self::Customer(_) => ActorRole::Customer,
            Self::Admin(_) => ActorRole::Admin,
        }
    }

    pub(crate) fn id(self) -> Uuid {
        match self {
            Self::Customer(id) => id.0,
            Self::Admin(id) => id.0,
        }
    }

    /// Returns whether the actor may change orders of `customer`.
    pub(crate) fn may_change_orders_of(self, customer: CustomerId) -> bool {
        match self {
            Self::Customer(id) => id == customer,
            Self::Admin(_) => true,
        }
    }
}

/// The customer of an order, as the access token stated when it was placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Id of the account or API client.
    pub id: CustomerId,
    /// Email address; empty for an API client.
    pub email: String,
    /// Whether the address was verified.
    pub email_verified: bool,
    /// Name of the account or API client.
    pub name: String,
}

/// Where an order is shipped to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Address {
    pub full_name: String,
    pub street: String,
    pub city: String,
    pub postal_code: String,
    /// ISO 3166-1 alpha-2.
    pub country_code: String,
}

/// A line item of an order: name and price are those at which it was sold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct LineItem {
    pub product_id: ProductId,
    pub name: String,
    pub quantity: i32,
    /// Price of one unit in minor units.
    pub price_minor: i64,
}

/// Returns the sum of price × quantity in minor units, or none if it does not fit.
pub fn total_minor(items: &[LineItem]) -> Option<i64> {
    items.iter().try_fold(0_i64, |sum, item| {
        sum.checked_add(item.price_minor.checked_mul(item.quantity.into())?)
    })
}

/// What PlaceOrder requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderRequest {
    /// Each product once, with its quantity, in the order of the request.
    pub items: Vec<(ProductId, i32)>,
    /// Where the order is shipped to.
    pub shipping_address: Address,
    /// The total that the customer saw, in minor units; none: any total.
    pub expected_total_minor: Option<i64>,
}

/// SHA-256 of an order request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub(crate) [u8; 32]);

impl OrderRequest {
    /// Returns the sum of the quantities.
    pub(crate) fn units(&self) -> i64 {
        self.items.iter().map(|(_, quantity)| i64::from(*quantity)).sum()
    }

    /// Returns the hash of the request. Two different requests never have the same
    /// encoding: each part has a fixed length or its length before it.
    ///
    /// **Invariant:** the encoding of a request never changes, since orders keep their
    /// fingerprint. A new field adds to it only if it is set.
    pub fn fingerprint(&self) -> Fingerprint {
        let Self { items, shipping_address, expected_total_minor } = self;
        let mut hash = Sha256::new();
        hash.update((items.len() as u32).to_be_bytes());
        for (product_id, quantity) in items {
            hash.update(product_id.0.as_bytes());
            hash.update(quantity.to_be_bytes());
        }
        let Address { full_name, street, city, postal_code, country_code } = shipping_address;
        for text in [full_name, street, city, postal_code, country_code] {
            hash.update((text.len() as u32).to_be_bytes());
            hash.update(text);
        }
        match expected_total_minor {
            None => hash.update([0]),
            Some(minor) => {
                hash.update([1]);
                hash.update(minor.to_be_bytes());
            }
        }
        Fingerprint(hash.finalize().into())
    }
}

/// A customer's purchase: what PlaceOrder turns into an order.
#[derive(Debug, Clone)]
pub(crate) struct Checkout {
    pub(crate) customer: Customer,
    /// The idempotency key.
    pub(crate) request_id: Uuid,
    pub(crate) request: OrderRequest,
}

/// The final outcome of a checkout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckoutOutcome {
    /// It became an order, whatever the state of that is now.
    Placed,
    /// It has no order and never will have one.
    Abandoned,
}

/// An order to insert.
#[derive(Debug, Clone)]
pub struct NewOrder {
    /// Derived from customer and idempotency key.
    pub id: OrderId,
    /// The idempotency key.
    pub request_id: Uuid,
    /// The hash of `request`.
    pub fingerprint: Fingerprint,
    /// Who places the order.
    pub customer: Customer,
    /// What the customer requests.
    pub request: OrderRequest,
    /// The requested items with name and price.
    pub items: Vec<LineItem>,
    /// The total of `items`.
    pub total_minor: i64,
    /// Trace context of the call.
    pub traceparent: Option<String>,
}

impl NewOrder {
    /// Returns the order in its initial state.
    pub(crate) fn to_order(&self, created_at: DateTime<Utc>) -> Order {
        Order {
            id: self.id,
            state: OrderState::Confirmed,
            mail_state: self.customer.initial_mail_state(),
            fingerprint: self.fingerprint,
            customer: self.customer.clone(),
            items: self.items.clone(),
            total_minor: self.total_minor,
            shipping_address: self.request.shipping_address.clone(),
            created_at,
            later_history: Vec::new(),
        }
    }
}

impl Customer {
    /// Returns whether the customer has an address that is not verified: mails to it may reach a
    /// stranger.
    pub(crate) fn is_unverified(&self) -> bool {
        !self.email.is_empty() && !self.email_verified
    }

    /// Returns the state of the confirmation mail of a new order: without an address there
    /// is no mail.
    pub(crate) fn initial_mail_state(&self) -> MailState {
        if self.email.is_empty() { MailState::None } else { MailState::Pending }
    }
}

/// A state transition of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    pub(crate) state: OrderState,
    pub(crate) actor: Actor,
    pub(crate) at: DateTime<Utc>,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Order {
    pub id: OrderId,
    pub state: OrderState,
    pub mail_state: MailState,
    pub fingerprint: Fingerprint,
    pub customer: Customer,
    /// In the order of the request.
    pub items: Vec<LineItem>,
    pub total_minor: i64,
    pub shipping_address: Address,
    pub created_at: DateTime<Utc>,
    /// The state transitions after the initial state, oldest first.
    pub later_history: Vec<HistoryEntry>,
}

impl Order {
    /// Returns the order in its initial state, whatever its current state.
    #[must_use]
    pub(crate) fn in_initial_state(self) -> Self {
        Self {
            state: OrderState::Confirmed,
            mail_state: self.customer.initial_mail_state(),
            later_history: Vec::new(),
            ..self
        }
    }

    /// Returns the history entry of the initial state.
    pub(crate) fn initial_entry(&self) -> HistoryEntry {
        HistoryEntry {
            state: OrderState::Confirmed,
            actor: Actor::Customer(self.customer.id),
            at: self.created_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn requests() -> impl Strategy<Value = OrderRequest> {
        let item = (any::<u8>(), 1..100_i32)
            .prop_map(|(n, quantity)| (ProductId(Uuid::from_bytes([n; 16])), quantity));
        let text = "[a-b]{0,2}";
        let address = (text, text, text, text, text).prop_map(|(a, b, c, d, e)| Address {
            full_name: a,
            street: b,
            city: c,
            postal_code: d,
            country_code: e,
        });
        (prop::collection::vec(item, 0..3), address, prop::option::of(0..3_i64)).prop_map(
            |(items, shipping_address, expected_total_minor)| OrderRequest {
                items,
                shipping_address,
                expected_total_minor,
            },
        )
    }

    proptest! {
        #[test]
        fn requests_are_equal_exactly_if_their_fingerprints_are(a in requests(), b in requests()) {
            prop_assert_eq!(a == b, a.fingerprint() == b.fingerprint());
        }
    }

    #[test]
    fn the_fingerprint_of_a_request_is_the_same_in_every_version() {
        let request = OrderRequest {
            items: vec![(ProductId(Uuid::from_bytes([7; 16])), 2)],
            shipping_address: Address {
                full_name: "Zoë Example".into(),
                street: "Long Street 1".into(),
                city: "Berlin".into(),
                postal_code: "10115".into(),
                country_code: "DE".into(),
            },
            expected_total_minor: Some(1999),
        };
        let hex: String =
            request.fingerprint().0.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "c8ac0230c24c7e9b1a38c7c4208b55c5303c5debbb33cb8c1549a7b13ebc7e6e");
    }

    #[test]
    fn a_total_that_does_not_fit_is_none() {
        let item = |quantity, price_minor| LineItem {
            product_id: ProductId(Uuid::nil()),
            name: String::new(),
            quantity,
            price_minor,
        };
        assert_eq!(total_minor(&[item(2, 250), item(1, 99)]), Some(599));
        assert_eq!(total_minor(&[item(2, i64::MAX / 2), item(1, 2)]), None);
    }
}
