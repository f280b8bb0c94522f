//! What an account is, and the rules that hold for it wherever it comes from: a
//! request, a command, a row. Does no I/O.

use chrono::{DateTime, Utc};
use mesh::validate::Violations;
use secrecy::{ExposeSecret, SecretString};

mesh_data::id_type!(
    /// Id of an account.
    UserId
);

mesh_data::id_type!(
    /// Id of an API client.
    ApiClientId
);

mesh_data::text_enum! {
    /// What an account may do.
    #[derive(clap::ValueEnum)]
    pub enum Role {
        /// Acts on its own account.
        Customer = "customer",
        /// May do all.
        Admin = "admin",
    }
}

/// Longest address, in characters. Source: RFC 5321, 4.5.3.1.3, less the brackets.
const EMAIL_CHARACTERS_MAX: usize = 254;
/// Longest part before the `@`, in bytes. Source: RFC 5321, 4.5.3.1.1.
const EMAIL_LOCAL_BYTES_MAX: usize = 64;
/// Shortest password that an account may get, in characters.
const PASSWORD_CHARACTERS_MIN: usize = 8;
const PASSWORD_CHARACTERS_MAX: usize = 128;
const NAME_CHARACTERS_MAX: usize = 100;

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Id.
    pub id: UserId,
    /// Its address.
    pub email: Email,
    /// How the shop addresses the person.
    pub display_name: String,
    /// What the account may do.
    pub role: Role,
    /// Whether the owner has followed a link mailed to the address.
    pub email_verified: bool,
    /// When an admin shut it out.
    pub disabled_at: Option<DateTime<Utc>>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

/// What a new account is made of.
#[derive(Debug)]
pub struct NewAccount {
    /// Its address.
    pub email: Email,
    /// Its password.
    pub password: SecretString,
    /// How the shop addresses the person.
    pub display_name: String,
}

/// An internal system that acts in its own name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiClient {
    /// Id.
    pub id: ApiClientId,
    /// What it is called, for people.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

/// An address as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// The address, with a violation if it is not one.
    ///
    /// The rule is modest: one `@`, something before it, a host with a dot or
    /// `localhost` after it, nothing that an address may have only in quotes. Whether a
    /// mail arrives there only a mail can tell.
    pub fn checked(violations: &mut Violations, field: &str, value: &str) -> Self {
        let fits = value.chars().count() <= EMAIL_CHARACTERS_MAX;
        violations.require(fits, field, "must have at most 254 characters");
        let well_formed = value.split_once('@').is_some_and(|(local, host)| {
            let dots = |text: &str| text.split('.').all(|part| !part.is_empty());
            let local_fits = local.len() <= EMAIL_LOCAL_BYTES_MAX;
            local_fits && dots(local) && dots(host) && (host.contains('.') || host == "localhost")
        });
        let plain =
            |c: char| !(c.is_whitespace() || c.is_control() || r#"()<>[],;:\""#.contains(c));
        let plain = value.chars().all(plain) && value.matches('@').count() == 1;
        violations.require(well_formed && plain, field, "must be an e-mail address");
        Self(value.to_owned())
    }

    /// One that was checked when it came in.
    pub fn known(text: String) -> Self {
        Self(text)
    }

    /// As it was typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// By what addresses are compared: case does not matter.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

/// A password that an account may get.
pub fn new_password(violations: &mut Violations, field: &str, value: String) -> SecretString {
    password(violations, field, value, PASSWORD_CHARACTERS_MIN)
}

/// A password that may be that of an account, made under whatever rule.
pub fn known_password(violations: &mut Violations, field: &str, value: String) -> SecretString {
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

/// A name of a person or system, without white space around it.
pub fn name(violations: &mut Violations, field: &str, value: &str) -> String {
    let name = violations.text(field, value, 1, NAME_CHARACTERS_MAX);
    let plain = !name.chars().any(|c| c.is_control() && c != '\0');
    violations.require(plain, field, "must not contain control characters");
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_email(value: &str) -> bool {
        let mut violations = Violations::new();
        Email::checked(&mut violations, "email", value);
        violations.finish(()).is_ok()
    }

    #[test]
    fn addresses_are_told_from_what_is_none() {
        for good in [
            "ada@example.com",
            "Ada.Lovelace+shop@mail.example.co.uk",
            "o'neil@example.com",
            "root@localhost",
            "zoë@exämple.com",
        ] {
            assert!(is_email(good), "{good}");
        }
        let local = "a".repeat(65);
        let long = format!("a@{}com", "b.".repeat(126));
        for bad in [
            "",
            "@",
            "ada",
            "ada@",
            "@example.com",
            "ada@example",
            "ada@@example.com",
            "ada@b@example.com",
            "ada @example.com",
            " ada@example.com",
            "ada@example.com\n",
            "ada\0@example.com",
            "ada@.com",
            "ada@example.",
            "a..b@example.com",
            "<ada@example.com>",
            "ada,bob@example.com",
            "ada@example.com,bob@example.com",
            &format!("{local}@example.com"),
            &long,
        ] {
            assert!(!is_email(bad), "{bad:?}");
        }
    }

    #[test]
    fn case_does_not_tell_addresses_apart() {
        let mut violations = Violations::new();
        let typed = Email::checked(&mut violations, "email", "Ada@Example.COM");
        assert_eq!((typed.as_str(), typed.key().as_str()), ("Ada@Example.COM", "ada@example.com"));
    }

    #[test]
    fn the_length_of_a_password_counts_characters() {
        for (value, good) in [
            ("1234567".to_owned(), false),
            ("12345678".to_owned(), true),
            ("ß".repeat(7), false),
            ("ß".repeat(8), true),
            ("ß".repeat(128), true),
            ("ß".repeat(129), false),
            ("   pass   ".to_owned(), true),
            ("1234567\0".to_owned(), false),
        ] {
            let mut violations = Violations::new();
            let kept = new_password(&mut violations, "password", value.clone());
            assert_eq!(kept.expose_secret(), value);
            assert_eq!(violations.finish(()).is_ok(), good, "{value:?}");
        }
    }

    #[test]
    fn names_have_no_line_breaks_in_them() {
        for (value, good) in
            [("Ada", true), (" Ada ", true), ("", false), ("Ada\nBcc: x", false), ("a\0b", false)]
        {
            let mut violations = Violations::new();
            name(&mut violations, "display_name", value);
            assert_eq!(violations.finish(()).is_ok(), good, "{value:?}");
        }
    }
}
