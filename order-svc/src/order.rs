//! What an order is, and the rules that hold for it wherever it comes from: a request,
//! a row. Does no I/O.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

mesh_data::id_type!(
    /// Id of an order, or of a checkout that never became one.
    OrderId
);
mesh_data::id_type!(
    /// Id of an account or API client.
    CustomerId
);
mesh_data::id_type!(
    /// Id of a product.
    ProductId
);

impl OrderId {
    /// The one id of what `customer` asks for by `request_id`: every retry speaks of
    /// the same order.
    pub fn derive(customer: CustomerId, request_id: Uuid) -> Self {
        Self(Uuid::new_v5(&customer.0, request_id.as_bytes()))
    }
}

mesh_data::text_enum! {
    /// What became of an order.
    pub enum OrderState {
        /// Placed. Every order is born so.
        Confirmed = "CONFIRMED",
        /// On its way; final.
        Shipped = "SHIPPED",
        /// Cancelled before it was shipped; final.
        Cancelled = "CANCELLED",
    }
}

impl OrderState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Confirmed, Self::Shipped, Self::Cancelled];
}

mesh_data::text_enum! {
    /// What became of the mail that confirms an order.
    pub enum MailState {
        /// There is no address to mail to.
        None = "NONE",
        /// On its way.
        Pending = "PENDING",
        /// The mail server has taken it.
        Sent = "SENT",
        /// Refused for good.
        Failed = "FAILED",
    }
}

/// What became of an order's confirmation mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailChange {
    /// The order.
    pub order_id: OrderId,
    /// What became of its mail.
    pub mail_state: MailState,
    /// Of two changes the one with the greater version tells.
    pub version: i64,
}

mesh_data::text_enum! {
    /// As what somebody did something to an order.
    pub enum ActorRole {
        /// As its customer.
        Customer = "CUSTOMER",
        /// As an admin of the shop.
        Admin = "ADMIN",
    }
}

/// Who does something to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    /// The account or API client.
    pub id: CustomerId,
    /// As what it does so.
    pub role: ActorRole,
}

/// Whose an order is, as the token told when it was placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// The account or API client.
    pub id: CustomerId,
    /// Its address; empty where it has none.
    pub email: String,
    /// Its name.
    pub name: String,
}

/// Where an order goes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Address {
    pub full_name: String,
    pub street: String,
    pub city: String,
    pub postal_code: String,
    /// ISO 3166-1 alpha-2.
    pub country_code: String,
}

/// A line of an order, as sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineItem {
    /// The product.
    pub product_id: ProductId,
    /// Its name.
    pub name: String,
    /// How many.
    pub quantity: i32,
    /// Price of one in minor units.
    pub price_minor: i64,
}

/// Sum of price × quantity, in minor units; none where it is more than fits.
pub fn total_minor(items: &[LineItem]) -> Option<i64> {
    items.iter().try_fold(0_i64, |sum, item| {
        sum.checked_add(item.price_minor.checked_mul(item.quantity.into())?)
    })
}

/// A state that an order came into after its birth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The state.
    pub state: OrderState,
    /// Who did it.
    pub actor: Actor,
    /// When.
    pub at: DateTime<Utc>,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Id.
    pub id: OrderId,
    /// What became of it.
    pub state: OrderState,
    /// What became of its confirmation mail.
    pub mail_state: MailState,
    /// What the customer asked for, hashed.
    pub fingerprint: Fingerprint,
    /// Whose it is.
    pub customer: Customer,
    /// What was ordered, in the order asked.
    pub items: Vec<LineItem>,
    /// Sum of price × quantity, in minor units.
    pub total_minor: i64,
    /// Where it goes.
    pub shipping_address: Address,
    /// When it was placed.
    pub created_at: DateTime<Utc>,
    /// Its states after its birth, oldest first.
    pub later_history: Vec<HistoryEntry>,
}

impl Order {
    /// The state of its confirmation mail when it is born: none is sent where there is
    /// no address.
    pub fn first_mail_state(customer: &Customer) -> MailState {
        if customer.email.is_empty() { MailState::None } else { MailState::Pending }
    }

    /// The order as it was born, whatever became of it.
    #[must_use]
    pub fn as_born(self) -> Self {
        Self {
            state: OrderState::Confirmed,
            mail_state: Self::first_mail_state(&self.customer),
            later_history: Vec::new(),
            ..self
        }
    }

    /// The state that it was born in, by whom and when.
    pub fn birth(&self) -> HistoryEntry {
        HistoryEntry {
            state: OrderState::Confirmed,
            actor: Actor { id: self.customer.id, role: ActorRole::Customer },
            at: self.created_at,
        }
    }
}

/// What a customer asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basket {
    /// Each product once, and how many, in the order asked.
    pub items: Vec<(ProductId, i32)>,
    /// Where it goes.
    pub shipping_address: Address,
    /// What the customer expects to pay, in minor units; none: any total.
    pub expected_total_minor: Option<i64>,
}

/// SHA-256 of all that a customer asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl Basket {
    /// The hash of the basket. No two different ones are written alike: each part has
    /// its length before it, or a length of its own.
    ///
    /// **Invariant:** the encoding never changes, since orders keep their fingerprint.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut hash = Sha256::new();
        hash.update((self.items.len() as u32).to_be_bytes());
        for (product_id, quantity) in &self.items {
            hash.update(product_id.0.as_bytes());
            hash.update(quantity.to_be_bytes());
        }
        let Address { full_name, street, city, postal_code, country_code } = &self.shipping_address;
        for text in [full_name, street, city, postal_code, country_code] {
            hash.update((text.len() as u32).to_be_bytes());
            hash.update(text);
        }
        match self.expected_total_minor {
            None => hash.update([0]),
            Some(minor) => {
                hash.update([1]);
                hash.update(minor.to_be_bytes());
            }
        }
        Fingerprint(hash.finalize().into())
    }
}

/// Whether `code` is one of ISO 3166-1 alpha-2, in upper case.
pub fn is_country_code(code: &str) -> bool {
    code.len() == 2 && COUNTRY_CODES.split(' ').any(|known| known == code)
}

/// Source: ISO 3166-1, officially assigned codes.
const COUNTRY_CODES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG \
    BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV \
    CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH \
    GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM \
    JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG \
    MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM \
    PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK \
    SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM \
    US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn basket() -> impl Strategy<Value = Basket> {
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
            |(items, shipping_address, expected_total_minor)| Basket {
                items,
                shipping_address,
                expected_total_minor,
            },
        )
    }

    proptest! {
        #[test]
        fn baskets_are_equal_exactly_where_their_fingerprints_are(a in basket(), b in basket()) {
            prop_assert_eq!(a == b, a.fingerprint() == b.fingerprint());
        }
    }

    #[test]
    fn a_fingerprint_is_what_it_was_in_every_version_of_this_program() {
        let basket = Basket {
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
        let hex: String = basket.fingerprint().0.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "c8ac0230c24c7e9b1a38c7c4208b55c5303c5debbb33cb8c1549a7b13ebc7e6e");
    }

    #[test]
    fn country_codes_are_those_of_iso_in_upper_case() {
        assert_eq!(COUNTRY_CODES.split(' ').count(), 249);
        for (code, known) in
            [("DE", true), ("US", true), ("de", false), ("XX", false), ("", false), ("D E", false)]
        {
            assert_eq!(is_country_code(code), known, "{code}");
        }
    }

    #[test]
    fn a_total_that_is_more_than_fits_is_none() {
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
