//! Money between the contract and SQL: `google.type.Money` (units and nanos) on one
//! side, integers of minor units (cents) on the other. Never floats.

use iso_currency::Currency;

pub use crate::google::r#type::Money;

const NANOS_PER_UNIT: i64 = 1_000_000_000;

/// Why a `Money` is not an amount of minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not an ISO 4217 code in upper case.
    #[error("currency_code is not an ISO 4217 code")]
    Currency,
    /// Nanos out of ±999,999,999, or of another sign than units.
    #[error("nanos are out of range or differ in sign from units")]
    Nanos,
    /// Finer than the smallest coin of the currency.
    #[error("the amount is finer than the currency's minor unit")]
    TooFine,
    /// More than 64 bits of minor units.
    #[error("the amount is too large")]
    TooLarge,
}

/// Minor units of one unit: 100 for EUR, 1 for JPY.
fn minor_per_unit(currency_code: &str) -> Result<i64, MoneyError> {
    let currency = Currency::from_code(currency_code).ok_or(MoneyError::Currency)?;
    Ok(10_i64.pow(u32::from(currency.exponent().unwrap_or(0))))
}

/// The amount in minor units of its own currency.
///
/// # Errors
/// A [`MoneyError`] that says what is wrong with the message.
pub fn to_minor(money: &Money) -> Result<i64, MoneyError> {
    let per_unit = minor_per_unit(&money.currency_code)?;
    let nanos = i64::from(money.nanos);
    if nanos.abs() >= NANOS_PER_UNIT || nanos.signum() * money.units.signum() < 0 {
        return Err(MoneyError::Nanos);
    }
    let nanos_per_minor = NANOS_PER_UNIT / per_unit;
    if nanos % nanos_per_minor != 0 {
        return Err(MoneyError::TooFine);
    }
    money
        .units
        .checked_mul(per_unit)
        .and_then(|minor| minor.checked_add(nanos / nanos_per_minor))
        .ok_or(MoneyError::TooLarge)
}

/// The amount in minor units of `currency`, which must be its own, and not below zero.
/// What is wrong with it goes to `bad`, with the name of the field that is, or an empty
/// one where it is the message.
pub fn amount(money: &Money, currency: &str, mut bad: impl FnMut(&str, String)) -> i64 {
    if money.currency_code != currency {
        bad("currency_code", format!("must be {currency}"));
    }
    match to_minor(money) {
        Ok(minor @ 0..) => minor,
        Ok(_) => {
            bad("", "must not be negative".to_owned());
            0
        }
        Err(error) => {
            bad("", error.to_string());
            0
        }
    }
}

/// An amount of minor units as the contract has it.
///
/// `currency_code` is one that the shop was set up with; an unknown one counts as
/// having no minor unit.
pub fn from_minor(minor: i64, currency_code: &str) -> Money {
    let per_unit = minor_per_unit(currency_code).unwrap_or(1);
    Money {
        currency_code: currency_code.to_owned(),
        units: minor / per_unit,
        nanos: ((minor % per_unit) * (NANOS_PER_UNIT / per_unit)) as i32,
    }
}

/// An amount of minor units as a decimal with a point, such as `24.90`; of a currency
/// as in [`from_minor`].
pub fn decimal(minor: i64, currency_code: &str) -> String {
    let per_unit = minor_per_unit(currency_code).unwrap_or(1).unsigned_abs();
    let digits = per_unit.ilog10() as usize;
    let sign = if minor < 0 { "-" } else { "" };
    let (units, rest) = (minor.unsigned_abs() / per_unit, minor.unsigned_abs() % per_unit);
    match digits {
        0 => format!("{sign}{units}"),
        _ => format!("{sign}{units}.{rest:0digits$}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn money(currency_code: &str, units: i64, nanos: i32) -> Money {
        Money { currency_code: currency_code.into(), units, nanos }
    }

    #[test]
    fn amounts_are_read_in_the_minor_unit_of_their_currency() {
        for (given, want) in [
            (money("EUR", 12, 340_000_000), Ok(1234)),
            (money("EUR", 0, -10_000_000), Ok(-1)),
            (money("JPY", 500, 0), Ok(500)),
            (money("EUR", 1, 1_000_000), Err(MoneyError::TooFine)),
            (money("JPY", 1, 500_000_000), Err(MoneyError::TooFine)),
            (money("EUR", 1, -10_000_000), Err(MoneyError::Nanos)),
            (money("EUR", 1, 1_000_000_000), Err(MoneyError::Nanos)),
            (money("EUR", i64::MAX, 0), Err(MoneyError::TooLarge)),
            (money("eur", 1, 0), Err(MoneyError::Currency)),
            (money("", 1, 0), Err(MoneyError::Currency)),
        ] {
            assert_eq!(to_minor(&given), want, "{given:?}");
        }
    }

    #[test]
    fn a_decimal_has_the_places_of_its_currency() {
        for (minor, code, written) in [
            (2490, "EUR", "24.90"),
            (5, "EUR", "0.05"),
            (-150, "EUR", "-1.50"),
            (150, "JPY", "150"),
            (1, "BHD", "0.001"),
            (i64::MIN, "EUR", "-92233720368547758.08"),
        ] {
            assert_eq!(decimal(minor, code), written);
        }
    }

    proptest! {
        #[test]
        fn minor_units_survive_the_way_there_and_back(minor: i64, code in "EUR|USD|JPY|BHD") {
            prop_assert_eq!(to_minor(&from_minor(minor, &code)), Ok(minor));
        }

        #[test]
        fn no_message_makes_it_panic(code in "[A-Z]{0,4}", units: i64, nanos: i32) {
            let _ = to_minor(&money(&code, units, nanos));
        }
    }
}
