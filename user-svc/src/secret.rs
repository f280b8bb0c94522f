//! Secrets of 256 random bits that a client keeps: refresh tokens, the tokens of links and devices, and
//! the secrets of API clients. The database has only their hashes. Does no I/O.

use aws_lc_rs::{
    constant_time,
    digest::{SHA256, digest},
    rand,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

const SECRET_BYTES: usize = 32;
/// Length of a secret in base64url without padding.
const SECRET_CHARACTERS: usize = 43;

/// A secret in base64url.
#[derive(Debug, Clone)]
pub(crate) struct Secret(SecretString);

impl Secret {
    /// Generates a secret.
    pub(crate) fn random() -> Self {
        let mut bytes = [0; SECRET_BYTES];
        rand::fill(&mut bytes).expect("the operating system has random bytes");
        Self(BASE64_URL_SAFE_NO_PAD.encode(bytes).into())
    }

    /// Wraps what a client presents as a secret.
    pub(crate) fn received(text: String) -> Self {
        Self(text.into())
    }

    /// Returns whether a text may be a secret of ours.
    pub(crate) fn is_well_formed(text: &str) -> bool {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        text.len() == SECRET_CHARACTERS && text.bytes().all(known)
    }

    /// Returns the text that the client gets.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns the hash that the database has.
    pub(crate) fn hash(&self) -> SecretHash {
        let hash = digest(&SHA256, self.expose().as_bytes());
        SecretHash(hash.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }
}

/// SHA-256 of a [`Secret`]. A fast hash suffices: a secret has too many bits to be guessed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SecretHash(pub [u8; 32]);

impl SecretHash {
    /// Compares the hash with a stored one, in constant time.
    pub(crate) fn matches(&self, stored: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(&self.0, stored).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_matches_its_own_hash_only() {
        let (secret, other) = (Secret::random(), Secret::random());
        assert!(Secret::is_well_formed(secret.expose()));
        let received = Secret::received(secret.expose().to_owned());
        assert!(received.hash().matches(&secret.hash().0));
        assert!(!other.hash().matches(&secret.hash().0));
        assert!(!format!("{secret:?}").contains(secret.expose()));
    }
}
