//! Verification of access tokens by the public keys of the issuer (JWKS). The key set is cached and
//! fetched again in the background; a verified token is cached for a short time, since a signature
//! check costs more than a hop.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwap;
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use http::HeaderMap;
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    errors::ErrorKind,
    jwk::{Jwk, JwkSet},
};
use moka::sync::Cache;
use tokio::{sync::Mutex, time::timeout};

use crate::{
    BoxError,
    channel::Channel,
    config::TokenConfig,
    error::{self, Error},
    identity::Claims,
};

/// The header `typ` of every access token. Source: RFC 9068, 2.1, and RFC 8725, 3.11.
pub const TOKEN_TYPE: &str = "at+jwt";
/// Longest lifetime of a token, whatever its issuer states.
const LIFETIME_SECONDS_MAX: u64 = 15 * 60;
/// Most verified tokens in the cache.
const CACHED_TOKENS_MAX: u64 = 50_000;
/// How long a verified token stays in the cache.
const CACHE_DURATION_MAX: Duration = Duration::from_secs(60);
/// Longest token that is verified, in bytes.
const TOKEN_BYTES_MAX: usize = 4096;
/// Clocks of issuer and verifier may differ by this.
const LEEWAY_SECONDS: u64 = 2;
/// Time between two fetches, whatever the number of unknown `kid` or failed fetches.
const FETCH_INTERVAL_MIN: Duration = Duration::from_secs(1);
/// Longest duration of one fetch.
const FETCH_DURATION_MAX: Duration = Duration::from_secs(5);

/// Verifies access tokens. Cheap to clone.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    keys: ArcSwap<Keys>,
    source: Option<Source>,
    fetching: Mutex<()>,
    validation: Validation,
    verified: Cache<[u8; 32], Verified>,
}

struct Source {
    channel: Channel,
    url: http::Uri,
}

#[derive(Default)]
struct Keys {
    by_kid: HashMap<String, Arc<Key>>,
    /// The JWKS as the issuer published it.
    document: Bytes,
    fetched: Option<Instant>,
    attempted: Option<Instant>,
}

struct Key {
    public: Jwk,
    decoding: DecodingKey,
}

/// A verified token. Valid only while its key is in the key set.
#[derive(Clone)]
struct Verified {
    claims: Arc<Claims>,
    kid: Arc<str>,
    key: Arc<Key>,
}

impl Verifier {
    /// Fetches the keys from `jwks_url` over `channel`: when they are first needed, and from then on
    /// in the background.
    pub fn fetching(config: &TokenConfig, channel: Channel) -> Self {
        let url = config.jwks_url.clone();
        let verifier = Self::new(config, Keys::default(), Some(Source { channel, url }));
        let inner = Arc::downgrade(&verifier.0);
        tokio::spawn(Inner::keep_fetched(inner, config.jwks_age_seconds_max));
        verifier
    }

    /// Uses the given keys. For the service that issues the tokens.
    ///
    /// # Errors
    /// A key that is not Ed25519.
    pub fn fixed(config: &TokenConfig, jwks: &JwkSet) -> Result<Self, BoxError> {
        let keys = Keys { by_kid: by_kid(jwks)?, ..Keys::default() };
        Ok(Self::new(config, keys, None))
    }

    fn new(config: &TokenConfig, keys: Keys, source: Option<Source>) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[&config.token_issuer]);
        validation.set_audience(&[&config.token_audience]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY_SECONDS;
        let verified = Cache::builder()
            .max_capacity(CACHED_TOKENS_MAX)
            .time_to_live(CACHE_DURATION_MAX)
            .build();
        Self(Arc::new(Inner {
            keys: ArcSwap::from_pointee(keys),
            source,
            fetching: Mutex::new(()),
            validation,
            verified,
        }))
    }

    /// Returns the claims of the bearer token in `headers`.
    ///
    /// # Errors
    /// [`Error::TokenMissing`], [`Error::TokenExpired`], [`Error::TokenInvalid`], or
    /// [`Error::Unavailable`] if its key is unknown and the keys cannot be fetched.
    pub async fn verify(&self, headers: &HeaderMap) -> Result<Arc<Claims>, Error> {
        let token = bearer(headers).ok_or(Error::TokenMissing)?;
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Error::TokenInvalid);
        }
        let hash: [u8; 32] =
            digest(&SHA256, token.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes");
        let verified = match self.0.verified.get(&hash) {
            Some(verified) if self.0.keys.load().contain(&verified) => verified,
            Some(_) | None => {
                let verified = self.check(token).await?;
                self.0.verified.insert(hash, verified.clone());
                verified
            }
        };
        if verified.claims.exp + LEEWAY_SECONDS > now() {
            Ok(verified.claims)
        } else {
            Err(Error::TokenExpired)
        }
    }

    async fn check(&self, token: &str) -> Result<Verified, Error> {
        let header = decode_header(token).map_err(|_| Error::TokenInvalid)?;
        // No extension is known that a header could declare critical.
        if header.typ.as_deref() != Some(TOKEN_TYPE) || header.crit.is_some() {
            return Err(Error::TokenInvalid);
        }
        let kid = header.kid.ok_or(Error::TokenInvalid)?;
        self.fetch_unless_known(Some(&kid)).await?;
        let key = self.0.keys.load().by_kid.get(&kid).cloned().ok_or(Error::TokenInvalid)?;
        let claims = match decode::<Claims>(token, &key.decoding, &self.0.validation) {
            Ok(data) => data.claims,
            Err(error) if *error.kind() == ErrorKind::ExpiredSignature => {
                return Err(Error::TokenExpired);
            }
            Err(_) => return Err(Error::TokenInvalid),
        };
        let lifetime = claims.exp.saturating_sub(claims.iat);
        let time_left = claims.exp.saturating_sub(now());
        if lifetime > LIFETIME_SECONDS_MAX || time_left > LIFETIME_SECONDS_MAX + LEEWAY_SECONDS {
            return Err(Error::TokenInvalid);
        }
        Ok(Verified { claims: Arc::new(claims), kid: kid.into(), key })
    }

    /// Returns the JWKS as the issuer published it when it was last fetched.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if it was never fetched and cannot be.
    pub async fn document(&self) -> Result<Bytes, Error> {
        self.fetch_unless_known(None).await?;
        Ok(self.0.keys.load().document.clone())
    }

    /// Fetches the keys if `kid` is not among them; without a `kid`, if they were never fetched.
    async fn fetch_unless_known(&self, kid: Option<&str>) -> Result<(), Error> {
        let Some(source) = &self.0.source else {
            return Ok(());
        };
        if let Some(result) = self.0.keys.load().decide(kid) {
            return result.map_err(|KeysUnavailable| source.unavailable());
        }
        // In a separate task: neither the deadline of this call nor a client that disconnects cancels
        // the fetch that other calls wait for.
        let (inner, kid) = (self.0.clone(), kid.map(str::to_owned));
        let fetched = tokio::spawn(async move {
            let _one_at_a_time = inner.fetching.lock().await;
            if let Some(result) = inner.keys.load().decide(kid.as_deref()) {
                return result;
            }
            inner.fetch_keys().await;
            inner.keys.load().decide(kid.as_deref()).unwrap_or(Ok(()))
        });
        let result = fetched.await.map_err(Error::internal)?;
        result.map_err(|KeysUnavailable| source.unavailable())
    }

    /// Replaces all keys. Tokens of a withdrawn key are rejected from now on.
    ///
    /// # Errors
    /// A key that is not Ed25519.
    pub fn set_keys(&self, jwks: &JwkSet) -> Result<(), BoxError> {
        self.0.keys.store(Arc::new(Keys { by_kid: by_kid(jwks)?, ..Keys::default() }));
        Ok(())
    }

    /// Returns the number of known public keys.
    pub fn keys_len(&self) -> usize {
        self.0.keys.load().by_kid.len()
    }
}

/// The keys are unknown and the last fetch failed.
struct KeysUnavailable;

impl Keys {
    /// Returns whether the key of `kid` is known, or is certainly none of the issuer's; without a
    /// `kid`, whether any fetch succeeded. `None`: the keys must be fetched first.
    fn decide(&self, kid: Option<&str>) -> Option<Result<(), KeysUnavailable>> {
        let is_known = kid.map_or(self.fetched.is_some(), |kid| self.by_kid.contains_key(kid));
        if is_known {
            return Some(Ok(()));
        }
        let last_failed = self.fetched != self.attempted;
        let attempted_just_now =
            self.attempted.is_some_and(|attempted| attempted.elapsed() < FETCH_INTERVAL_MIN);
        attempted_just_now.then_some(if last_failed { Err(KeysUnavailable) } else { Ok(()) })
    }

    /// Returns whether the key of a token is still published, under its `kid`.
    fn contain(&self, verified: &Verified) -> bool {
        let current = self.by_kid.get(&*verified.kid);
        current.is_some_and(|current| current.public == verified.key.public)
    }
}

impl Inner {
    /// Fetches the keys every `interval` once they are in use: a withdrawn key is rejected soon, and
    /// no call waits for that, even if the issuer hangs.
    async fn keep_fetched(inner: Weak<Self>, interval: Duration) {
        loop {
            tokio::time::sleep(interval).await;
            let Some(inner) = inner.upgrade() else { return };
            if inner.keys.load().fetched.is_some() {
                let _one_at_a_time = inner.fetching.lock().await;
                inner.fetch_keys().await;
            }
        }
    }

    /// Fetches the keys. A failed fetch keeps the old ones.
    async fn fetch_keys(&self) {
        let Some(source) = &self.source else { return };
        let fetched = timeout(FETCH_DURATION_MAX, source.fetch()).await;
        let now = Some(Instant::now());
        let keys = match fetched.unwrap_or(Err(Error::DeadlineExceeded)) {
            Ok((document, by_kid)) => Keys { by_kid, document, fetched: now, attempted: now },
            Err(error) => {
                tracing::warn!(error = %error::chain(&error), "cannot fetch the public keys");
                let old = self.keys.load();
                let (by_kid, document) = (old.by_kid.clone(), old.document.clone());
                Keys { by_kid, document, fetched: old.fetched, attempted: now }
            }
        };
        self.keys.store(Arc::new(keys));
    }
}

impl Source {
    fn unavailable(&self) -> Error {
        self.channel.unavailable("keys unavailable")
    }

    async fn fetch(&self) -> Result<(Bytes, HashMap<String, Arc<Key>>), Error> {
        let document = self.channel.get(&self.url).await?;
        let jwks: JwkSet = serde_json::from_slice(&document).map_err(Error::internal)?;
        let by_kid = by_kid(&jwks).map_err(Error::Internal)?;
        Ok((document, by_kid))
    }
}

fn by_kid(jwks: &JwkSet) -> Result<HashMap<String, Arc<Key>>, BoxError> {
    jwks.keys
        .iter()
        .map(|jwk| {
            let kid = jwk.common.key_id.clone().ok_or("a key has no kid")?;
            let key = Key { public: jwk.clone(), decoding: DecodingKey::from_jwk(jwk)? };
            Ok((kid, Arc::new(key)))
        })
        .collect()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(http::header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod fuzz {
    use std::sync::LazyLock;

    use ::tests::{
        fuzz::{Edit, edited},
        issuer::{SigningKey, claims, jwks},
    };
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    use futures::FutureExt;
    use http::HeaderValue;

    use super::*;

    /// A verifier, and a token that it accepts.
    static VERIFIER: LazyLock<(Verifier, String)> = LazyLock::new(|| {
        let config = TokenConfig {
            jwks_url: http::Uri::from_static("http://localhost:1/"),
            jwks_age_seconds_max: Duration::from_secs(60),
            token_issuer: "shopmesh".into(),
            token_audience: "shopmesh".into(),
        };
        let key = SigningKey::generate("k1");
        let verifier = Verifier::fixed(&config, &jwks(&[&key])).expect("the key is Ed25519");
        (verifier, key.token(&claims("admin", 600)))
    });

    /// Returns whether a header is accepted. `None`: it is no header.
    fn is_accepted(authorization: &[u8]) -> Option<bool> {
        let value = HeaderValue::from_bytes(authorization).ok()?;
        let headers = HeaderMap::from_iter([(http::header::AUTHORIZATION, value)]);
        let verified = VERIFIER.0.verify(&headers).now_or_never();
        Some(verified.expect("no key is fetched").is_ok())
    }

    #[test]
    fn a_token_is_rejected_after_any_change() {
        let token = &*VERIFIER.1;
        assert_eq!(is_accepted(format!("Bearer {token}").as_bytes()), Some(true));
        bolero::check!().with_type::<Vec<Edit>>().for_each(|edits| {
            let edited = edited(token, edits);
            if edited.trim_ascii() != token.as_bytes() {
                assert_ne!(is_accepted(&[b"Bearer ", &*edited].concat()), Some(true));
            }
        });
    }

    #[test]
    fn a_signature_is_valid_for_no_other_header_and_claims() {
        let parts: Vec<_> = VERIFIER.1.split('.').collect();
        let [header, claims] = [0, 1].map(|part| {
            let json = BASE64_URL_SAFE_NO_PAD.decode(parts[part]).expect("base64");
            String::from_utf8(json).expect("JSON")
        });
        // One change of each: after more of them, hardly any JSON has the claims of a token.
        bolero::check!().with_type::<(Option<Edit>, Option<Edit>)>().for_each(|edits| {
            let header = edited(&header, edits.0.as_slice());
            let claims = edited(&claims, edits.1.as_slice());
            let [header, claims] = [header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
            let token = format!("{header}.{claims}.{}", parts[2]);
            if token != VERIFIER.1 {
                assert_eq!(is_accepted(format!("Bearer {token}").as_bytes()), Some(false));
            }
        });
    }

    #[test]
    fn no_other_header_is_accepted() {
        bolero::check!().for_each(|bytes| assert_ne!(is_accepted(bytes), Some(true)));
    }
}
