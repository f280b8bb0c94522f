//! Compares `data/` with the crates that maintain ISO 3166-1 and ISO 4217. To take over
//! what they changed, run `UPDATE_ISO_DATA=1 cargo test -p proto --test iso_data`.

use std::{collections::BTreeMap, env, fs};

use iso_currency::Currency;
use serde::{Serialize, de::DeserializeOwned};

fn compare<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(name: &str, current: &T) {
    let file = format!("{}/data/{name}.json", env!("CARGO_MANIFEST_DIR"));
    if env::var_os("UPDATE_ISO_DATA").is_some() {
        let text = serde_json::to_string_pretty(current).expect("plain data");
        fs::write(&file, text + "\n").expect("a writable file");
    }
    let stored: T = serde_json::from_slice(&fs::read(&file).expect("a file")).expect("a list");
    assert_eq!(&stored, current, "{file} differs from the maintained list");
}

#[test]
fn the_countries_are_those_of_iso_3166() {
    let mut codes: Vec<String> =
        rust_iso3166::ALL.iter().map(|country| country.alpha2.to_owned()).collect();
    codes.sort();
    compare("countries", &codes);
}

#[test]
fn the_currencies_and_their_digits_are_those_of_iso_4217() {
    let letters = || (b'A'..=b'Z').map(char::from);
    let codes = letters().flat_map(|a| letters().map(move |b| [a, b]));
    let codes = codes.flat_map(|[a, b]| letters().map(move |c| String::from_iter([a, b, c])));
    // A currency without a minor unit, such as gold, has no digits.
    let currencies: BTreeMap<String, u16> = codes
        .filter_map(|code| Some((Currency::from_code(&code)?.exponent().unwrap_or(0), code)))
        .map(|(digits, code)| (code, digits))
        .collect();
    compare("currencies", &currencies);
}
