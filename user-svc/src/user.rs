//! Accounts of people, and the rules for addresses and names. They hold for requests and commands
//! alike. Does no I/O.

pub(crate) mod admin;
pub(crate) mod create_admin;
pub(crate) mod profile;
pub(crate) mod sign_up;

use chrono::{DateTime, SubsecRound, Utc};
use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    pg::{Pg, PgValue},
    prelude::{Queryable, Selectable},
    sql_types::Text,
};
use mesh::validate::Violations;
use secrecy::SecretString;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::schema::users;

mesh_data::id_type!(
    /// Id of an account; `sub` of its access tokens.
    UserId
);

mesh_data::text_enum! {
    /// Role of an account or an API client.
    #[derive(clap::ValueEnum)]
    pub enum Role {
        /// Places orders and reads its own.
        Customer = "customer",
        /// May also manage the catalogue, stock, orders, mails, accounts and API clients.
        Admin = "admin",
    }
}

/// Longest address, in characters. Source: RFC 5321, 4.5.3.1.3, less the brackets.
const EMAIL_CHARACTERS_MAX: usize = 254;
/// Longest part before the `@`, in bytes. Source: RFC 5321, 4.5.3.1.1.
const EMAIL_LOCAL_BYTES_MAX: usize = 64;
const NAME_CHARACTERS_MAX: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(Pg))]
pub(crate) struct User {
    pub id: UserId,
    pub email: Email,
    /// Name of the person, for salutations.
    pub display_name: String,
    pub role: Role,
    /// Whether the owner has opened a link mailed to the address.
    pub email_verified: bool,
    /// When an admin disabled the account.
    pub disabled_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

impl User {
    pub(crate) fn new(email: Email, display_name: String, role: Role) -> Self {
        Self {
            id: UserId(Uuid::now_v7()),
            email,
            display_name,
            role,
            email_verified: false,
            disabled_at: None,
            // Microseconds, as PostgreSQL stores them: a later read returns the same time.
            created_at: Utc::now().trunc_subsecs(6),
        }
    }

    /// Returns the fields that an entry of the audit compares.
    pub(crate) fn audited_fields(&self) -> Value {
        json!({ "role": self.role.as_str(), "disabled": self.is_disabled() })
    }

    pub(crate) fn is_disabled(&self) -> bool {
        self.disabled_at.is_some()
    }

    pub(crate) fn is_enabled_admin(&self) -> bool {
        self.role == Role::Admin && !self.is_disabled()
    }
}

/// A request to create an account.
#[derive(Debug)]
pub(crate) struct NewAccount {
    pub email: Email,
    pub password: SecretString,
    pub display_name: String,
}

/// The filters of ListUsers.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct UserFilter {
    /// A part of the address or the name, compared without case.
    pub query: Option<String>,
    pub role: Option<Role>,
}

/// An address as entered.
#[derive(Debug, Clone, PartialEq, Eq, FromSqlRow)]
pub(crate) struct Email(String);

impl Email {
    /// Returns the address, and adds a violation if it is malformed.
    ///
    /// The rule is lenient: one `@`, a host with a dot or `localhost`, and no character that needs
    /// quotes. Only a mail shows whether the address exists.
    pub(crate) fn checked(violations: &mut Violations, field: &str, value: &str) -> Self {
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

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the address in lower case, by which addresses are compared.
    pub(crate) fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

/// A stored address was checked when it was written.
impl FromSql<Text, Pg> for Email {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        <String as FromSql<Text, Pg>>::from_sql(bytes).map(Self)
    }
}

/// Returns the name of a person or a system without white space around it. Adds violations for its
/// length and for control characters.
pub(crate) fn name(violations: &mut Violations, field: &str, value: &str) -> String {
    let name = violations.text(field, value, 1, NAME_CHARACTERS_MAX);
    let plain = !name.chars().any(|c| c.is_control() && c != '\0');
    violations.require(plain, field, "must not contain control characters");
    name
}

/// Returns the name of a person like [`name`]. Also adds a violation for the characters of a link or an
/// address: the shop mails the name to whoever was named as the owner of the address.
pub(crate) fn display_name(violations: &mut Violations, field: &str, value: &str) -> String {
    let name = name(violations, field, value);
    violations.require(!name.contains(['/', ':', '@']), field, "must not contain / : or @");
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
    fn malformed_addresses_are_rejected() {
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
    fn addresses_are_compared_without_case() {
        let mut violations = Violations::new();
        let entered = Email::checked(&mut violations, "email", "Ada@Example.COM");
        assert_eq!(
            (entered.as_str(), entered.key().as_str()),
            ("Ada@Example.COM", "ada@example.com")
        );
    }

    #[test]
    fn the_name_of_a_person_is_no_link_and_no_address() {
        for (value, good) in [
            ("Ada Lovelace", true),
            ("J. R. O'Neil-Smith, Jr. (Jo)", true),
            ("You won: evil.example", false),
            ("evil.example/x", false),
            ("ada@example.com", false),
        ] {
            let mut violations = Violations::new();
            display_name(&mut violations, "display_name", value);
            assert_eq!(violations.finish(()).is_ok(), good, "{value:?}");
        }
    }

    #[test]
    fn names_have_no_control_characters() {
        for (value, good) in
            [("Ada", true), (" Ada ", true), ("", false), ("Ada\nBcc: x", false), ("a\0b", false)]
        {
            let mut violations = Violations::new();
            name(&mut violations, "display_name", value);
            assert_eq!(violations.finish(()).is_ok(), good, "{value:?}");
        }
    }
}
