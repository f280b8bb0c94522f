//! Links mailed to accounts: their purposes, how long they are valid, and which accounts get one.
//! Does no I/O.

pub(crate) mod redeem;
pub(crate) mod request;

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    limit::{Limit, RESET_MAILS, VERIFICATION_MAILS},
    secret::Secret,
    user::User,
};

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

    /// Returns how long a link is valid.
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

/// A link for a mail.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub purpose: Purpose,
    /// Proves that its bearer has read the mail.
    pub token: Secret,
    pub expires_at: DateTime<Utc>,
}

impl Link {
    pub(crate) fn new(purpose: Purpose) -> Self {
        Self { purpose, token: Secret::random(), expires_at: Utc::now() + purpose.duration() }
    }
}
