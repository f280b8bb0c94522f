//! Mail content: the data of a mail before it is rendered. Does no I/O, and knows nothing
//! of templates or SMTP.
//!
//! **Invariant:** every text is one line without control characters and of bounded length,
//! whatever the event contained.

use std::fmt;

use chrono::{DateTime, Utc};
use iso_currency::Currency;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::notification::NotificationKind;

/// Longest text, in characters.
const TEXT_CHARACTERS_MAX: usize = 200;
/// Longest token of a link, in characters.
const TOKEN_CHARACTERS_MAX: usize = 128;
/// Characters of an order's id that people know as its number.
const ORDER_NUMBER_CHARACTERS: usize = 8;

/// The content of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MailContent {
    /// Name of the recipient for the salutation. Empty unless the address is verified.
    pub(crate) name: Line,
    pub(crate) details: Details,
}

/// The data of each kind of mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Details {
    OrderConfirmation(Order),
    OrderShipped(Order),
    OrderCancelled(Order),
    /// The link, if any, verifies the address of the new account.
    Welcome(Option<MailedLink>),
    EmailVerification(MailedLink),
    PasswordReset(MailedLink),
    PasswordChanged,
}

impl MailContent {
    pub(crate) fn kind(&self) -> NotificationKind {
        match self.details {
            Details::OrderConfirmation(_) => NotificationKind::OrderConfirmation,
            Details::OrderShipped(_) => NotificationKind::OrderShipped,
            Details::OrderCancelled(_) => NotificationKind::OrderCancelled,
            Details::Welcome(_) => NotificationKind::Welcome,
            Details::EmailVerification(_) => NotificationKind::EmailVerification,
            Details::PasswordReset(_) => NotificationKind::PasswordReset,
            Details::PasswordChanged => NotificationKind::PasswordChanged,
        }
    }

    /// Returns the order that the mail is about, if any.
    pub(crate) fn order(&self) -> Option<&Order> {
        match &self.details {
            Details::OrderConfirmation(order)
            | Details::OrderShipped(order)
            | Details::OrderCancelled(order) => Some(order),
            Details::Welcome(_)
            | Details::EmailVerification(_)
            | Details::PasswordReset(_)
            | Details::PasswordChanged => None,
        }
    }

    /// Returns the link that the mail carries, if any.
    pub(crate) fn link(&self) -> Option<&MailedLink> {
        match &self.details {
            Details::EmailVerification(link) | Details::PasswordReset(link) => Some(link),
            Details::Welcome(link) => link.as_ref(),
            Details::OrderConfirmation(_)
            | Details::OrderShipped(_)
            | Details::OrderCancelled(_)
            | Details::PasswordChanged => None,
        }
    }
}

/// The link of a mail, as the event names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MailedLink {
    /// user-svc creates the token when the mail is composed.
    Requested(Uuid),
    /// The event contains the token: an older version of user-svc published it.
    Issued(Link),
}

/// A link that can be used once.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Link {
    /// Proves that the user has read the mail. Letters, digits, `-` and `_`.
    token: String,
    pub(crate) expires_at: DateTime<Utc>,
}

impl Link {
    /// Returns the link, unless its token has other characters or is too long.
    pub(crate) fn new(token: String, expires_at: DateTime<Utc>) -> Option<Self> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let fits = (1..=TOKEN_CHARACTERS_MAX).contains(&token.len());
        (fits && token.chars().all(is_plain)).then_some(Self { token, expires_at })
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }
}

/// Leaves out the token.
impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// An order as a mail shows it. Templates see each serialized field under its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Order {
    #[serde(skip)]
    pub(crate) id: Uuid,
    #[serde(skip)]
    pub(crate) placed_at: Option<DateTime<Utc>>,
    pub(crate) items: Vec<LineItem>,
    pub(crate) total: Amount,
    /// What follows the line items, in this order.
    pub(crate) sections: Vec<Section>,
}

/// A part of a mail about an order: a label and what it labels, such as an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Section {
    pub(crate) label: &'static str,
    pub(crate) lines: Vec<Line>,
}

impl Order {
    /// Returns the number of the order for people.
    pub(crate) fn number(&self) -> String {
        self.id.to_string()[..ORDER_NUMBER_CHARACTERS].to_owned()
    }
}

/// A line item of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct LineItem {
    name: Line,
    pub(crate) quantity: i32,
    price: Amount,
    /// Price times quantity.
    sum: Amount,
}

impl LineItem {
    pub(crate) fn new(name: Line, quantity: i32, price: Amount) -> Self {
        let minor = price.minor.saturating_mul(quantity.into());
        Self { name, quantity, price, sum: Amount { minor, ..price } }
    }
}

/// A text of one line.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Line(String);

impl Line {
    /// Makes `text` one line: replaces white space and control characters by single spaces,
    /// and removes characters that change the direction of the text.
    pub(crate) fn new(text: &str) -> Self {
        let is_bidi = |c: &char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let text: String = text
            .chars()
            .filter(|c| !is_bidi(c))
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let words: Vec<_> = text.split_whitespace().collect();
        Self(words.join(" ").chars().take(TEXT_CHARACTERS_MAX).collect())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// An amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Amount {
    /// In minor units of the currency.
    pub(crate) minor: i64,
    pub(crate) currency: Currency,
}

/// Writes the amount as in English: `€1,234.50`.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exponent = usize::from(self.currency.exponent().unwrap_or(0));
        let digits = format!("{:0>width$}", self.minor.unsigned_abs(), width = exponent + 1);
        let (units, cents) = digits.split_at(digits.len() - exponent);
        let sign = if self.minor < 0 { "-" } else { "" };
        write!(f, "{sign}{}", self.currency.symbol())?;
        for (i, digit) in units.chars().enumerate() {
            if i > 0 && (units.len() - i).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        if cents.is_empty() { Ok(()) } else { write!(f, ".{cents}") }
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
pub(crate) mod samples {
    use super::*;

    fn euros(minor: i64) -> Amount {
        Amount { minor, currency: Currency::EUR }
    }

    fn order(name: &str) -> Order {
        Order {
            id: Uuid::from_u128(0x1a2b_3c4d << 96),
            placed_at: DateTime::from_timestamp(1_795_000_000, 0),
            items: vec![
                LineItem::new(Line::new(name), 2, euros(1250)),
                LineItem::new(Line::new("Tea"), 1, euros(499)),
            ],
            total: euros(2999),
            sections: vec![Section {
                label: "Delivery to",
                lines: vec![Line::new(name), Line::new("Main Street 1")],
            }],
        }
    }

    pub(crate) fn link() -> Link {
        let expires_at = DateTime::from_timestamp(1_795_000_000, 0).expect("a valid time");
        Link::new("q-_Z9".into(), expires_at).expect("a valid token")
    }

    /// Returns the content of a mail of each kind to `name`; a welcome without and with a link.
    pub(crate) fn contents(name: &str) -> [MailContent; 8] {
        let link = MailedLink::Requested(Uuid::from_u128(7));
        [
            Details::OrderConfirmation(order(name)),
            Details::OrderShipped(order(name)),
            Details::OrderCancelled(order(name)),
            Details::Welcome(None),
            Details::Welcome(Some(link.clone())),
            Details::EmailVerification(link.clone()),
            Details::PasswordReset(link),
            Details::PasswordChanged,
        ]
        .map(|details| MailContent { name: Line::new(name), details })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_have_the_symbol_separators_and_decimals_of_their_currency() {
        for (minor, currency, written) in [
            (0, Currency::EUR, "€0.00"),
            (5, Currency::EUR, "€0.05"),
            (123_450, Currency::EUR, "€1,234.50"),
            (100_000_000, Currency::EUR, "€1,000,000.00"),
            (-1999, Currency::EUR, "-€19.99"),
            (1500, Currency::JPY, "¥1,500"),
            (1234, Currency::BHD, ".د.ب1.234"),
        ] {
            assert_eq!(Amount { minor, currency }.to_string(), written);
        }
    }

    #[test]
    fn a_text_of_several_lines_becomes_one() {
        let line = Line::new(" Ann\r\nBcc: all@example.com\t \u{202e}x\u{0} ");
        assert_eq!(line.as_str(), "Ann Bcc: all@example.com x");
    }

    proptest! {
        #[test]
        fn no_text_breaks_a_line(text: String) {
            let line = Line::new(&text);
            prop_assert!(!line.as_str().contains(|c: char| c.is_control()));
            prop_assert!(line.as_str().chars().count() <= TEXT_CHARACTERS_MAX);
        }
    }
}
