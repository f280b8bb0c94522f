//! Links mailed to accounts: their purposes, how long they are valid, and which accounts get one.
//! Does no I/O.
//!
//! **Invariant:** a token exists only in the mail. An event names a link by its id; the token is created
//! when the mail is composed, and the database has its hash.

pub(crate) mod issue;
pub(crate) mod redeem;
pub(crate) mod request;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    limit::{Limit, RESET_MAILS, VERIFICATION_MAILS},
    secret::Secret,
    user::User,
};

/// How long after its request a token of a link can be created: as long as Kafka keeps the event.
const ISSUE_DURATION_MAX: TimeDelta = TimeDelta::days(14);

mesh_data::id_type!(
    /// Id of a link.
    LinkId
);

mesh_data::text_enum! {
    /// What a link does.
    pub enum Purpose {
        /// Sets a new password.
        ResetPassword = "reset_password",
        /// Verifies the address.
        VerifyEmail = "verify_email",
    }
}

impl Purpose {
    pub(crate) const ALL: [Self; 2] = [Self::ResetPassword, Self::VerifyEmail];

    /// Returns how long a token is valid.
    pub(crate) fn duration(self) -> TimeDelta {
        match self {
            Self::ResetPassword => TimeDelta::hours(1),
            Self::VerifyEmail => TimeDelta::hours(24),
        }
    }

    /// Returns how many such mails an account gets.
    pub(crate) fn mail_limit(self) -> &'static Limit {
        match self {
            Self::ResetPassword => &RESET_MAILS,
            Self::VerifyEmail => &VERIFICATION_MAILS,
        }
    }

    /// Returns whether an account gets such a link.
    pub(crate) fn applies_to(self, user: &User) -> bool {
        let is_useful = match self {
            Self::ResetPassword => true,
            Self::VerifyEmail => !user.email_verified,
        };
        is_useful && !user.is_disabled()
    }
}

/// A link for a mail that is not composed yet.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub id: LinkId,
    pub purpose: Purpose,
    pub issuable_until: DateTime<Utc>,
}

impl Link {
    pub(crate) fn new(purpose: Purpose) -> Self {
        let issuable_until = Utc::now() + ISSUE_DURATION_MAX;
        Self { id: LinkId(Uuid::now_v7()), purpose, issuable_until }
    }
}

/// The token of a link, and the account whose mail it is for.
#[derive(Debug)]
pub(crate) struct IssuedLink {
    /// Proves that its bearer has read the mail.
    pub token: Secret,
    pub expires_at: DateTime<Utc>,
    pub user: User,
}
