//! How often somebody may try something. Which tries there were is for the database.

use std::net::{IpAddr, Ipv6Addr};

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, TimeDelta, Utc};
use mesh::Error;

use crate::user::{ApiClientId, Email};

/// So many tries within so much time.
#[derive(Debug)]
pub struct Limit {
    /// How its tries are marked in the database.
    pub kind: &'static str,
    /// After this many there are no more.
    pub tries_max: i64,
    /// How long a try counts.
    pub window: TimeDelta,
}

/// Failed log-ins of one account, or of one address that has none.
pub const LOGIN_FAILURES: Limit =
    Limit { kind: "login", tries_max: 10, window: TimeDelta::minutes(15) };

/// Wrong secrets of one API client.
pub const CLIENT_FAILURES: Limit =
    Limit { kind: "client", tries_max: 10, window: TimeDelta::minutes(15) };

/// Times that one network was told that an address is taken.
pub const EMAIL_TAKEN: Limit =
    Limit { kind: "email_taken", tries_max: 20, window: TimeDelta::hours(1) };

/// Links that one account is mailed to set a new password.
pub const RESET_MAILS: Limit =
    Limit { kind: "reset_mail", tries_max: 5, window: TimeDelta::hours(1) };

/// Links that one account is mailed to verify its address.
pub const VERIFICATION_MAILS: Limit =
    Limit { kind: "verification_mail", tries_max: 5, window: TimeDelta::hours(1) };

/// Links that one network asks for, whoever gets them.
pub const LINK_REQUESTS: Limit =
    Limit { kind: "link_request", tries_max: 100, window: TimeDelta::hours(1) };

/// Longest time that a try of any limit counts.
pub const WINDOW_MAX: TimeDelta = TimeDelta::hours(1);

impl Limit {
    /// What is told when the `tries_max`-th last try was at `tried_at`.
    pub fn exceeded(&self, tried_at: DateTime<Utc>, now: DateTime<Utc>) -> Error {
        let wait = (tried_at + self.window - now).max(TimeDelta::seconds(1));
        // Whole seconds, up: whoever waits this long is not told to wait again.
        let seconds = wait.num_seconds() + 1;
        Error::RateLimited { retry_after: std::time::Duration::from_secs(seconds.unsigned_abs()) }
    }
}

/// Whom a limit limits, as a hash: what somebody typed is not kept for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject(pub [u8; 32]);

impl Subject {
    fn of(bytes: &[u8]) -> Self {
        let hash = digest(&SHA256, bytes);
        Self(hash.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }

    /// An account by its address, whether or not there is one.
    pub fn account(email: &Email) -> Self {
        Self::of(email.key().as_bytes())
    }

    /// An API client.
    pub fn client(id: ApiClientId) -> Self {
        Self::of(id.0.as_bytes())
    }

    /// Where a call came from: the address, of IPv6 the 64 bits that a household has.
    pub fn network(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::of(&address.octets()),
            IpAddr::V6(address) => {
                let prefix = address.to_bits() & !u128::from(u64::MAX);
                Self::of(&Ipv6Addr::from_bits(prefix).octets())
            }
        }
    }

    /// A number for locks: the same for the same subject, and hardly ever for another.
    pub fn lock_number(&self) -> i64 {
        let (first, _) = self.0.split_first_chunk().expect("32 bytes are more than 8");
        i64::from_le_bytes(*first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_an_ipv4_address_or_half_an_ipv6_address() {
        let network = |text: &str| Subject::network(text.parse().expect("an address"));
        assert_eq!(network("10.0.0.1"), network("::ffff:10.0.0.1"));
        assert_ne!(network("10.0.0.1"), network("10.0.0.2"));
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
    }

    #[test]
    fn who_waits_as_told_is_let_in() {
        let now = Utc::now();
        for ago in [0, 1, 899, 900] {
            let tried_at = now - TimeDelta::seconds(ago);
            let Error::RateLimited { retry_after } = LOGIN_FAILURES.exceeded(tried_at, now) else {
                panic!("another error");
            };
            assert!(now + retry_after > tried_at + LOGIN_FAILURES.window);
            assert!(retry_after.as_secs() <= 901);
        }
    }
}
