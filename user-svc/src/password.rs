//! Passwords of accounts: the rules for new and existing ones. Does no I/O.

pub(crate) mod change;
mod common;
pub(crate) mod hashing;
pub(crate) mod queue;
pub(crate) mod verification;

use mesh::validate::Violations;
use secrecy::{ExposeSecret, SecretString};

/// Shortest new password, in characters.
const PASSWORD_CHARACTERS_MIN: usize = 8;
const PASSWORD_CHARACTERS_MAX: usize = 128;

/// Returns a password for an account, and adds violations of the rules for new passwords.
pub(crate) fn new_password(
    violations: &mut Violations,
    field: &str,
    value: String,
) -> SecretString {
    let is_common = common::is_common(&value);
    violations.require(!is_common, field, "must not be one of the most common passwords");
    password(violations, field, value, PASSWORD_CHARACTERS_MIN)
}

/// Returns a password to verify. Unlike a new one it may be short, as older rules allowed.
pub(crate) fn existing_password(
    violations: &mut Violations,
    field: &str,
    value: String,
) -> SecretString {
    password(violations, field, value, 1)
}

fn password(violations: &mut Violations, field: &str, value: String, min: usize) -> SecretString {
    let value = SecretString::from(value);
    let characters = value.expose_secret().chars().count();
    let fits = (min..=PASSWORD_CHARACTERS_MAX).contains(&characters);
    let rule = format!("must have {min} to {PASSWORD_CHARACTERS_MAX} characters");
    violations.require(fits, field, &rule);
    let plain = !value.expose_secret().contains('\0');
    violations.require(plain, field, "must not contain a NUL character");
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_common_password_is_rejected_as_a_new_one_only() {
        let mut violations = Violations::new();
        existing_password(&mut violations, "password", "Password1".to_owned());
        assert!(violations.is_empty());
        new_password(&mut violations, "password", "Password1".to_owned());
        assert!(!violations.is_empty());
    }

    #[test]
    fn the_length_of_a_password_is_its_number_of_characters() {
        for (value, good) in [
            ("1234567".to_owned(), false),
            ("1x3y5z7w".to_owned(), true),
            ("ß".repeat(7), false),
            ("ß".repeat(8), true),
            ("ß".repeat(128), true),
            ("ß".repeat(129), false),
            ("   pass   ".to_owned(), true),
            ("1234567\0".to_owned(), false),
        ] {
            let mut violations = Violations::new();
            let password = new_password(&mut violations, "password", value.clone());
            assert_eq!(password.expose_secret(), value);
            assert_eq!(violations.finish(()).is_ok(), good, "{value:?}");
        }
    }
}
