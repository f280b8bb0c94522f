//! Sessions: one login of an account each, with its refresh-token family. Decides when a refresh
//! token is rotated, rejected, or revokes its family. Does no I/O.

pub(crate) mod list;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod refresh;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    pg::Pg,
    prelude::{Insertable, Queryable, Selectable},
};
use secrecy::SecretString;

use crate::{
    access_token::AccessToken,
    device::DeviceTokens,
    schema::sessions,
    secret::Secret,
    user::{Email, Role, User},
};

mesh_data::id_type!(
    /// Id of a session; `sid` of its access tokens.
    SessionId
);

/// How long a token in a cookie may be used after its first use or its replacement: a reload of the page
/// may lose the response that replaces it.
///
/// Each use returns another token, and only the newest of a family stays valid beyond this time. So if
/// a stolen token is used within it as well, the next use of the other branch is a reuse.
const COOKIE_REUSE_MAX: TimeDelta = TimeDelta::seconds(30);

#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions, check_for_backend(Pg))]
pub(crate) struct Session {
    pub id: SessionId,
    pub created_at: DateTime<Utc>,
    /// When it last got an access token.
    pub refreshed_at: DateTime<Utc>,
    /// When it expires unless it is refreshed.
    pub expires_at: DateTime<Utc>,
    /// Header `user-agent` of the login.
    pub user_agent: String,
}

/// How long sessions live.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SessionLifetime {
    /// Without a refresh.
    pub unused_max: TimeDelta,
    /// From the login of a customer, whatever is refreshed.
    pub customer_max: TimeDelta,
    /// From the login of an admin, whatever is refreshed.
    pub admin_max: TimeDelta,
}

impl SessionLifetime {
    /// Returns when a session expires that is used `now`; not after `now` if it has reached its age.
    pub(crate) fn expires_at(
        &self,
        created_at: DateTime<Utc>,
        role: Role,
        now: DateTime<Utc>,
    ) -> DateTime<Utc> {
        let age_max = match role {
            Role::Customer => self.customer_max,
            Role::Admin => self.admin_max,
        };
        (now + self.unused_max).min(created_at + age_max)
    }
}

/// A request to log in.
#[derive(Debug)]
pub(crate) struct Login {
    pub email: Email,
    pub password: SecretString,
    pub carrier: Carrier,
    pub user_agent: String,
    pub device_tokens: DeviceTokens,
}

/// The result of a login or a refresh.
#[derive(Debug)]
pub(crate) struct IssuedTokens {
    pub access_token: AccessToken,
    pub refresh_token: Secret,
    /// How long the refresh token is valid.
    pub refresh_duration: Duration,
    pub carrier: Carrier,
    pub user: User,
}

/// Where a refresh token is transported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// In a field of the message.
    Message,
    /// In a cookie that scripts cannot read.
    Cookie,
}

/// A refresh token that is known and has not expired, and its session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TokenState {
    /// Where the token was issued.
    pub carrier: Carrier,
    /// When it was first used, or replaced by a newer token of its family.
    pub used_at: Option<DateTime<Utc>>,
    /// Whether its session is revoked.
    pub revoked: bool,
}

/// The response to a presented refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefreshDecision {
    /// Replace the token by the next one of its family.
    Rotate,
    /// The session is revoked already.
    Reject,
    /// The token was used or replaced before, so it may be stolen: revoke its family.
    Revoke,
}

/// Decides about a token that `carrier` presents at `now`.
pub(crate) fn decide_refresh(
    token: &TokenState,
    carrier: Carrier,
    now: DateTime<Utc>,
) -> RefreshDecision {
    if token.revoked {
        return RefreshDecision::Reject;
    }
    let in_cookies = token.carrier == Carrier::Cookie && carrier == Carrier::Cookie;
    match token.used_at {
        None => RefreshDecision::Rotate,
        Some(used_at) if in_cookies && now - used_at <= COOKIE_REUSE_MAX => RefreshDecision::Rotate,
        Some(_) => RefreshDecision::Revoke,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_extends_a_session_up_to_the_age_of_its_role() {
        let lifetime = SessionLifetime {
            unused_max: TimeDelta::days(30),
            customer_max: TimeDelta::days(90),
            admin_max: TimeDelta::hours(12),
        };
        let created_at = Utc::now();
        for (role, age, hours) in [
            (Role::Customer, 0, 30 * 24),
            (Role::Customer, 59 * 24, 89 * 24),
            (Role::Customer, 61 * 24, 90 * 24),
            (Role::Customer, 91 * 24, 90 * 24),
            (Role::Admin, 0, 12),
            (Role::Admin, 11, 12),
        ] {
            let expires_at =
                lifetime.expires_at(created_at, role, created_at + TimeDelta::hours(age));
            assert_eq!(expires_at, created_at + TimeDelta::hours(hours), "{role:?} after {age} h");
        }
    }

    #[test]
    fn a_token_is_valid_for_one_use_and_in_a_cookie_for_30_seconds_more() {
        use Carrier::{Cookie, Message};
        use RefreshDecision::{Reject, Revoke, Rotate};
        let now = Utc::now();
        let ago = |seconds| Some(now - TimeDelta::seconds(seconds));
        for (carrier, used_at, by, decision) in [
            (Message, None, Message, Rotate),
            (Cookie, None, Cookie, Rotate),
            (Cookie, None, Message, Rotate),
            (Message, ago(0), Message, Revoke),
            (Message, ago(1), Cookie, Revoke),
            (Cookie, ago(1), Message, Revoke),
            (Cookie, ago(0), Cookie, Rotate),
            (Cookie, ago(-1), Cookie, Rotate),
            (Cookie, ago(30), Cookie, Rotate),
            (Cookie, ago(31), Cookie, Revoke),
        ] {
            let token = TokenState { carrier, used_at, revoked: false };
            assert_eq!(decide_refresh(&token, by, now), decision, "{token:?} by {by:?}");
            let revoked = TokenState { revoked: true, ..token };
            assert_eq!(decide_refresh(&revoked, by, now), Reject, "{revoked:?}");
        }
    }
}
