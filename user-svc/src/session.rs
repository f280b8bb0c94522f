//! What a session is: a family of refresh tokens of which each is good for one use.
//! Knows when a token may be used and when it gives its family away. Does no I/O.

use aws_lc_rs::{
    constant_time,
    digest::{SHA256, digest},
    rand,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};

mesh_data::id_type!(
    /// Id of a session; `sid` of its access tokens.
    SessionId
);

/// How long a cookie's token may come back after its first use: a reload may have cut
/// the answer off that would have replaced it.
pub const COOKIE_GRACE: TimeDelta = TimeDelta::seconds(30);

const SECRET_BYTES: usize = 32;

/// 256 random bits that somebody else keeps: a refresh token, the token of a link or the
/// secret of an API client. We keep its hash.
#[derive(Debug, Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// A new one.
    pub fn random() -> Self {
        let mut bytes = [0; SECRET_BYTES];
        rand::fill(&mut bytes).expect("the operating system has random bytes");
        Self(BASE64_URL_SAFE_NO_PAD.encode(bytes).into())
    }

    /// One that came back, or what is taken for one.
    pub fn received(text: String) -> Self {
        Self(text.into())
    }

    /// What is handed out.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What is kept.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(self.expose().as_bytes())
    }
}

/// SHA-256 of a [`Secret`]: it has too many bits to be guessed, so a fast hash will do.
#[derive(Debug, Clone, Copy)]
pub struct SecretHash(pub [u8; 32]);

impl SecretHash {
    fn of(bytes: &[u8]) -> Self {
        let hash = digest(&SHA256, bytes);
        Self(hash.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }

    /// Whether the hash kept is this one.
    pub fn matches(&self, kept: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(&self.0, kept).is_ok()
    }
}

/// A log-in that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Id.
    pub id: SessionId,
    /// When the account logged in.
    pub created_at: DateTime<Utc>,
    /// When it last got an access token.
    pub refreshed_at: DateTime<Utc>,
    /// When it ends unless it is refreshed before.
    pub expires_at: DateTime<Utc>,
    /// What the client called itself at log-in.
    pub user_agent: String,
}

/// How a refresh token travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// In a field of the message.
    Message,
    /// In a cookie that scripts cannot read.
    Cookie,
}

/// A refresh token that is known and has not run off, and its session.
#[derive(Debug, Clone, Copy)]
pub struct TokenState {
    /// How it was handed out.
    pub carrier: Carrier,
    /// When it was first used.
    pub used_at: Option<DateTime<Utc>>,
    /// Whether its session was ended.
    pub revoked: bool,
}

/// What is to be done about a refresh token that comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It gets a child.
    Rotate,
    /// It is good for nothing any more.
    Refuse,
    /// Two hands have held it: nobody of its family is to be trusted.
    Revoke,
}

/// Judges a token that came by `carrier` at `now`.
pub fn judge(token: &TokenState, carrier: Carrier, now: DateTime<Utc>) -> Verdict {
    if token.revoked {
        return Verdict::Refuse;
    }
    let in_cookies = token.carrier == Carrier::Cookie && carrier == Carrier::Cookie;
    match token.used_at {
        None => Verdict::Rotate,
        Some(used_at) if in_cookies && now - used_at <= COOKIE_GRACE => Verdict::Rotate,
        Some(_) => Verdict::Revoke,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_one_use_and_a_cookie_for_a_little_longer() {
        use Carrier::{Cookie, Message};
        use Verdict::{Refuse, Revoke, Rotate};
        let now = Utc::now();
        let ago = |seconds| Some(now - TimeDelta::seconds(seconds));
        for (carrier, used_at, by, verdict) in [
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
            assert_eq!(judge(&token, by, now), verdict, "{token:?} by {by:?}");
            let revoked = TokenState { revoked: true, ..token };
            assert_eq!(judge(&revoked, by, now), Refuse, "{revoked:?}");
        }
    }

    #[test]
    fn a_secret_is_known_again_by_its_hash_only() {
        let (secret, other) = (Secret::random(), Secret::random());
        assert_eq!(secret.expose().len(), 43);
        let again = Secret::received(secret.expose().to_owned());
        assert!(again.hash().matches(&secret.hash().0));
        assert!(!other.hash().matches(&secret.hash().0));
        assert!(!format!("{secret:?}").contains(secret.expose()));
    }
}
