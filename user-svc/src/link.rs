//! What a mailed link is: what it is for, how long it is good, and who gets one. Does no
//! I/O.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    limit::{Limit, RESET_MAILS, VERIFICATION_MAILS},
    session::Secret,
    user::User,
};

mesh_data::text_enum! {
    /// What a link is for.
    pub enum Purpose {
        /// Sets a new password.
        ResetPassword = "reset_password",
        /// Verifies the address.
        VerifyEmail = "verify_email",
    }
}

impl Purpose {
    /// How long a link is good.
    pub fn duration(self) -> TimeDelta {
        match self {
            Self::ResetPassword => TimeDelta::hours(1),
            Self::VerifyEmail => TimeDelta::hours(24),
        }
    }

    /// How many such links an account is mailed.
    pub fn limit(self) -> &'static Limit {
        match self {
            Self::ResetPassword => &RESET_MAILS,
            Self::VerifyEmail => &VERIFICATION_MAILS,
        }
    }

    /// Whether an account is to get such a link.
    pub fn suits(self, user: &User) -> bool {
        let needs = match self {
            Self::ResetPassword => true,
            Self::VerifyEmail => !user.email_verified,
        };
        needs && user.disabled_at.is_none()
    }
}

/// A link that is to be mailed.
#[derive(Debug, Clone)]
pub struct Link {
    /// What it is for.
    pub purpose: Purpose,
    /// What shows that somebody has read the mail.
    pub token: Secret,
    /// When it is good for nothing any more.
    pub expires_at: DateTime<Utc>,
}

impl Link {
    /// A new one, good from now on.
    pub fn new(purpose: Purpose) -> Self {
        Self { purpose, token: Secret::random(), expires_at: Utc::now() + purpose.duration() }
    }
}
