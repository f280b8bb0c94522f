//! Devices that logged in to an account before. Their failed logins count by themselves, so that the
//! failures of strangers never lock them out. A device token proves nothing else: it needs a password
//! as well. Does no I/O.

use chrono::TimeDelta;

use crate::secret::{Secret, SecretHash};

/// Most devices of an account; a new one replaces the one that was not used for longest.
pub(crate) const DEVICES_MAX: i64 = 20;
/// How long a device is known after its last login. Browsers keep no cookie for longer.
pub(crate) const DEVICE_DURATION_MAX: TimeDelta = TimeDelta::days(400);
/// Most device tokens in one cookie: a browser may log in to several accounts.
pub(crate) const TOKENS_MAX: usize = 4;

/// The device tokens that a request presents, at most [`TOKENS_MAX`], each for an account of its own.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeviceTokens(Vec<Secret>);

impl DeviceTokens {
    pub(crate) fn new(tokens: impl IntoIterator<Item = Secret>) -> Self {
        Self(tokens.into_iter().take(TOKENS_MAX).collect())
    }

    /// Returns the hashes by which the database knows the tokens.
    pub(crate) fn hashes(&self) -> Vec<SecretHash> {
        self.0.iter().map(Secret::hash).collect()
    }

    /// Returns the tokens after a login: that of the account is the one with the hash `known`, or else
    /// a new one.
    pub(crate) fn after_login(self, known: Option<&SecretHash>) -> IssuedDeviceTokens {
        let is_own = |token: &Secret| known.is_some_and(|known| token.hash().matches(&known.0));
        let (own, others): (Vec<_>, Vec<_>) = self.0.into_iter().partition(is_own);
        let own = own.into_iter().next().unwrap_or_else(Secret::random);
        IssuedDeviceTokens { own, others }
    }
}

/// The device tokens of a client after a login.
#[derive(Debug)]
pub(crate) struct IssuedDeviceTokens {
    /// That of the account.
    pub own: Secret,
    /// Those of other accounts.
    others: Vec<Secret>,
}

impl IssuedDeviceTokens {
    /// Returns the tokens that a cookie keeps, at most [`TOKENS_MAX`].
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Secret> {
        [&self.own].into_iter().chain(&self.others).take(TOKENS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_keeps_the_tokens_of_other_accounts_up_to_a_limit() {
        let presented = DeviceTokens::new((0..9).map(|_| Secret::random()));
        let before: Vec<_> = presented.0.iter().map(|token| token.expose().to_owned()).collect();
        assert_eq!(before.len(), TOKENS_MAX);
        let after = |known: Option<&SecretHash>| -> Vec<_> {
            let issued = presented.clone().after_login(known);
            issued.iter().map(|token| token.expose().to_owned()).collect()
        };
        let known = presented.hashes()[2];
        let [a, b, c, d] = &before[..] else { panic!("{before:?}") };
        assert_eq!(after(Some(&known)), [c, a, b, d].map(Clone::clone));
        let with_new = after(None);
        assert!(!before.contains(&with_new[0]));
        assert_eq!(with_new[1..], before[..3]);
    }
}
