//! Throttling: how many attempts an account, an API client or a network has within a window. The
//! database counts the attempts. Does no I/O.

pub(crate) mod throttle;

use std::time::Duration;

use aws_lc_rs::hmac;
use chrono::{DateTime, TimeDelta, Utc};
use mesh::{Error, client::Network};

use crate::{secret::SecretHash, user::Email};

/// The largest number of attempts within a window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    /// Name of the limit in the database.
    pub kind: &'static str,
    pub attempts_max: i64,
    /// How long an attempt counts.
    pub window: TimeDelta,
}

/// Failed logins with one address, whether or not it has an account, from devices that did not log in
/// to it before.
pub(crate) const LOGIN_FAILURES: Limit =
    Limit { kind: "login", attempts_max: 10, window: TimeDelta::minutes(15) };

/// Failed logins from one device that logged in to the account before.
pub(crate) const DEVICE_FAILURES: Limit =
    Limit { kind: "device", attempts_max: 10, window: TimeDelta::minutes(15) };

/// Wrong secrets and unknown API clients of one network. Clients have no limit of their own: a secret
/// has too many bits to be guessed, and a limit would lock its owner out.
pub(crate) const CLIENT_FAILURES: Limit =
    Limit { kind: "client", attempts_max: 100, window: TimeDelta::minutes(15) };

/// Mails to one account with a link that sets a new password.
pub(crate) const RESET_MAILS: Limit =
    Limit { kind: "reset_mail", attempts_max: 5, window: TimeDelta::hours(1) };

/// Mails to one account with a link that verifies its address.
pub(crate) const VERIFICATION_MAILS: Limit =
    Limit { kind: "verification_mail", attempts_max: 5, window: TimeDelta::hours(1) };

/// Requests for links from one network, to any account.
pub(crate) const LINK_REQUESTS: Limit =
    Limit { kind: "link_request", attempts_max: 100, window: TimeDelta::hours(1) };

/// The limits of a network that are settings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NetworkLimits {
    /// Failed logins with any address: they also limit one password tried on many accounts (password
    /// spraying).
    pub login_failures: Limit,
    /// Calls of SignUp, whether or not the address is taken.
    pub sign_ups: Limit,
}

impl NetworkLimits {
    pub(crate) fn new(login_failures_max: u32, sign_ups_max: u32) -> Self {
        Self {
            login_failures: Limit {
                kind: "network_login",
                attempts_max: login_failures_max.into(),
                window: TimeDelta::minutes(15),
            },
            sign_ups: Limit {
                kind: "sign_up",
                attempts_max: sign_ups_max.into(),
                window: TimeDelta::hours(1),
            },
        }
    }

    /// Returns the limits of a guess at the password of `account`. A device that is known to the
    /// account has a limit of its own, so that nobody else's failures lock it out.
    pub(crate) fn of_guess(
        &self,
        subjects: &Subjects,
        account: &Email,
        network: Network,
        device: Option<&SecretHash>,
    ) -> Vec<(Limit, Subject)> {
        match device {
            Some(hash) => vec![(DEVICE_FAILURES, subjects.device(hash))],
            None => vec![
                (self.login_failures, subjects.network(network)),
                (LOGIN_FAILURES, subjects.account(account)),
            ],
        }
    }
}

/// The longest window of any limit.
pub(crate) const WINDOW_MAX: TimeDelta = TimeDelta::hours(1);

impl Limit {
    /// Returns the error of a subject whose `attempts_max`-th last attempt was at `attempted_at`.
    pub(crate) fn exceeded(&self, attempted_at: DateTime<Utc>, now: DateTime<Utc>) -> Error {
        let wait = (attempted_at + self.window - now).max(TimeDelta::seconds(1));
        // Rounded up, so that a client that waits this long is not rejected again.
        let seconds = wait.num_seconds() + 1;
        Error::RateLimited { retry_after: Duration::from_secs(seconds.unsigned_abs()) }
    }
}

/// Whose attempts count together, as a keyed hash: a reader of the table of attempts cannot find out
/// whether an address is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Subject(pub [u8; 32]);

/// Creates subjects. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Subjects(hmac::Key);

impl Subjects {
    /// Uses `key`, which all replicas share.
    pub(crate) fn new(key: hmac::Key) -> Self {
        Self(key)
    }

    /// Identifies an account by its address, whether or not it exists.
    pub(crate) fn account(&self, email: &Email) -> Subject {
        self.subject(email.key().as_bytes())
    }

    pub(crate) fn device(&self, hash: &SecretHash) -> Subject {
        self.subject(&hash.0)
    }

    pub(crate) fn network(&self, network: Network) -> Subject {
        self.subject(&network.bytes())
    }

    fn subject(&self, bytes: &[u8]) -> Subject {
        let tag = hmac::sign(&self.0, bytes);
        Subject(tag.as_ref().try_into().expect("HMAC-SHA-256 has 32 bytes"))
    }
}

impl Subject {
    /// Returns the key of the subject's advisory lock. Two subjects rarely have the same.
    pub(crate) fn lock_key(&self) -> i64 {
        let (first, _) = self.0.split_first_chunk().expect("32 bytes are more than 8");
        i64::from_le_bytes(*first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_waits_for_retry_after_is_not_rejected_again() {
        let now = Utc::now();
        for ago in [0, 1, 899, 900] {
            let attempted_at = now - TimeDelta::seconds(ago);
            let Error::RateLimited { retry_after } = LOGIN_FAILURES.exceeded(attempted_at, now)
            else {
                panic!("another error");
            };
            assert!(now + retry_after > attempted_at + LOGIN_FAILURES.window);
            assert!(retry_after.as_secs() <= 901);
        }
    }
}
