//! What a mail says, before it is put into words. Does no I/O, and knows nothing of
//! how a mail is written or sent.
//!
//! **Invariant:** every text of a letter is one line without control characters, and
//! of bounded length, whatever came with the event.

use std::fmt;

use chrono::{DateTime, Utc};
use iso_currency::Currency;
use uuid::Uuid;

/// Longest text of a letter, in characters.
const TEXT_CHARACTERS_MAX: usize = 200;
/// Characters of an order's id that are its number for people.
const ORDER_NUMBER_CHARACTERS: usize = 8;

/// What a mail says, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// How it addresses the person; may be empty.
    pub name: Line,
    /// What it is about.
    pub content: Content,
}

/// What a mail is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// An order was placed.
    OrderConfirmation(Order),
    /// An order is on its way.
    OrderShipped(Order),
    /// An order was cancelled.
    OrderCancelled(Order),
    /// An account was made; the link verifies its address.
    Welcome(Option<Link>),
    /// An address is to be verified.
    EmailVerification(Link),
    /// A new password is to be set.
    PasswordReset(Link),
    /// A password was changed.
    PasswordChanged,
}

impl Content {
    /// The order that it is about, if it is about one.
    pub fn order(&self) -> Option<&Order> {
        match self {
            Self::OrderConfirmation(order)
            | Self::OrderShipped(order)
            | Self::OrderCancelled(order) => Some(order),
            Self::Welcome(_)
            | Self::EmailVerification(_)
            | Self::PasswordReset(_)
            | Self::PasswordChanged => None,
        }
    }

    /// The link that it carries, if it carries one.
    pub fn link(&self) -> Option<&Link> {
        match self {
            Self::EmailVerification(link) | Self::PasswordReset(link) => Some(link),
            Self::Welcome(link) => link.as_ref(),
            Self::OrderConfirmation(_)
            | Self::OrderShipped(_)
            | Self::OrderCancelled(_)
            | Self::PasswordChanged => None,
        }
    }
}

/// The link of a mail, good for one use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What shows that somebody has read the mail: letters, digits, `-` and `_`.
    pub token: String,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
}

/// An order, as a mail shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its id.
    pub id: Uuid,
    /// When it was placed.
    pub placed_at: Option<DateTime<Utc>>,
    /// What was ordered.
    pub items: Vec<Item>,
    /// What it costs.
    pub total: Amount,
    /// Where it goes, line by line; may be empty.
    pub address: Vec<Line>,
}

impl Order {
    /// Its number for people.
    pub fn number(&self) -> String {
        self.id.to_string()[..ORDER_NUMBER_CHARACTERS].to_owned()
    }
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Name as sold.
    pub name: Line,
    /// How many.
    pub quantity: i32,
    /// Price of one.
    pub price: Amount,
}

impl Item {
    /// Price of all.
    pub fn sum(&self) -> Amount {
        let minor = self.price.minor.saturating_mul(self.quantity.into());
        Amount { minor, ..self.price }
    }
}

/// A text that is one line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line(String);

impl Line {
    /// `text` as one line: runs of white space and control characters become one space,
    /// and characters that turn the direction of a text are left out.
    pub fn new(text: &str) -> Self {
        let turns = |c: &char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let text: String = text
            .chars()
            .filter(|c| !turns(c))
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let words: Vec<_> = text.split_whitespace().collect();
        Self(words.join(" ").chars().take(TEXT_CHARACTERS_MAX).collect())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount {
    /// In minor units of the currency.
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

/// As people write it in English: `€1,234.50`.
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
        match cents {
            "" => Ok(()),
            cents => write!(f, ".{cents}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_are_written_as_people_write_them() {
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
