//! Converts between `google.type.Money` (units and nanos), as the contract has it, and
//! integers of minor units (cents), as SQL has it. Never uses floats. The currencies of
//! ISO 4217 are those of `data/currencies.json`, which the pages read as well.

pub use crate::google::r#type::Money;

// Each currency with the number of digits of its minor unit, sorted by code.
include!(concat!(env!("OUT_DIR"), "/currencies.rs"));

const NANOS_PER_UNIT: i64 = 1_000_000_000;

/// The reason why a `Money` is not an amount of minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The currency is not an ISO 4217 code in upper case.
    #[error("currency_code is not an ISO 4217 code")]
    Currency,
    /// The nanos are outside ±999,999,999, or differ in sign from the units.
    #[error("nanos are out of range or differ in sign from units")]
    Nanos,
    /// The amount is not a whole number of minor units.
    #[error("the amount is finer than the currency's minor unit")]
    TooFine,
    /// The amount does not fit into 64 bits of minor units.
    #[error("the amount is too large")]
    TooLarge,
}

/// Returns the number of digits of the minor unit: 2 for EUR, 0 for JPY and for a
/// currency without a minor unit. Returns none for an unknown currency.
pub fn digits(currency_code: &str) -> Option<u32> {
    let found = DIGITS.binary_search_by_key(&currency_code, |(code, _)| code);
    found.ok().map(|index| DIGITS[index].1)
}

/// Returns the minor units of one unit: 100 for EUR, 1 for JPY.
fn minor_per_unit(currency_code: &str) -> Result<i64, MoneyError> {
    digits(currency_code).map(|digits| 10_i64.pow(digits)).ok_or(MoneyError::Currency)
}

/// Returns the amount in minor units of its own currency.
///
/// # Errors
/// A [`MoneyError`].
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

/// Returns the amount in minor units of `currency`. Calls `report` with the name of the
/// field and a description if the amount is negative, invalid or of another currency;
/// the name is empty if the whole message is wrong.
pub fn amount(money: &Money, currency: &str, mut report: impl FnMut(&str, String)) -> i64 {
    if money.currency_code != currency {
        report("currency_code", format!("must be {currency}"));
    }
    match to_minor(money) {
        Ok(minor @ 0..) => minor,
        Ok(_) => {
            report("", "must not be negative".to_owned());
            0
        }
        Err(error) => {
            report("", error.to_string());
            0
        }
    }
}

/// Returns the `Money` of an amount of minor units. An unknown currency counts as one
/// without a minor unit.
pub fn from_minor(minor: i64, currency_code: &str) -> Money {
    let per_unit = minor_per_unit(currency_code).unwrap_or(1);
    Money {
        currency_code: currency_code.to_owned(),
        units: minor / per_unit,
        nanos: ((minor % per_unit) * (NANOS_PER_UNIT / per_unit)) as i32,
    }
}

/// Returns an amount of minor units as a decimal with a point, such as `24.90`. An
/// unknown currency counts as in [`from_minor`].
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
    fn amounts_are_converted_to_minor_units_of_their_currency() {
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
    fn a_decimal_has_the_digits_of_its_currency() {
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
        fn minor_units_convert_to_money_and_back(minor: i64, code in "EUR|USD|JPY|BHD") {
            prop_assert_eq!(to_minor(&from_minor(minor, &code)), Ok(minor));
        }

        #[test]
        fn no_message_causes_a_panic(code in "[A-Z]{0,4}", units: i64, nanos: i32) {
            let _ = to_minor(&money(&code, units, nanos));
        }
    }
}
