//! Countries of ISO 3166-1, from `data/countries.json`. The pages read the same file.

include!(concat!(env!("OUT_DIR"), "/countries.rs"));

/// Returns whether `code` is an officially assigned alpha-2 code, in upper case.
pub fn is_code(code: &str) -> bool {
    CODES.binary_search(&code).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_assigned_codes_in_upper_case_are_countries() {
        for code in ["AD", "DE", "ZW"] {
            assert!(is_code(code), "{code}");
        }
        for code in ["", "D", "de", "DEU", "XK", "EU", "ZZ"] {
            assert!(!is_code(code), "{code}");
        }
    }
}
