//! Verification of access tokens by the public keys of the issuer (JWKS). The key set is fetched and
//! cached; a verified token is cached until it expires, since a signature check costs more than a hop.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwap;
use aws_lc_rs::digest::{SHA256, digest};
use http::HeaderMap;
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header, errors::ErrorKind, jwk::JwkSet,
};
use moka::sync::Cache;
use tokio::sync::Mutex;

use crate::{BoxError, channel::Channel, config::TokenConfig, error::Error, identity::Claims};

/// Most verified tokens in the cache.
const CACHED_TOKENS_MAX: u64 = 50_000;
/// Longest token that is verified, in bytes.
const TOKEN_BYTES_MAX: usize = 4096;
/// Clocks of issuer and verifier may differ by this.
const LEEWAY_SECONDS: u64 = 2;
/// The key set is fetched again after this, so that a withdrawn key is rejected.
const KEYS_AGE_MAX: Duration = Duration::from_secs(300);
/// Time between two fetches, whatever the number of unknown `kid` or failed fetches.
const FETCH_INTERVAL_MIN: Duration = Duration::from_secs(1);

/// Verifies access tokens. Cheap to clone.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    keys: ArcSwap<Keys>,
    source: Option<Source>,
    fetching: Mutex<()>,
    validation: Validation,
    verified: Cache<[u8; 32], Arc<Claims>>,
}

struct Source {
    channel: Channel,
    url: http::Uri,
}

#[derive(Default)]
struct Keys {
    by_kid: HashMap<String, DecodingKey>,
    fetched: Option<Instant>,
    attempted: Option<Instant>,
}

impl Verifier {
    /// Fetches the keys from `jwks_url` over `channel`.
    pub fn fetching(config: &TokenConfig, channel: Channel) -> Self {
        let url = config.jwks_url.clone();
        Self::new(config, Keys::default(), Some(Source { channel, url }))
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
        validation.leeway = LEEWAY_SECONDS;
        Self(Arc::new(Inner {
            keys: ArcSwap::from_pointee(keys),
            source,
            fetching: Mutex::new(()),
            validation,
            verified: Cache::new(CACHED_TOKENS_MAX),
        }))
    }

    /// Returns the claims of the bearer token in `headers`.
    ///
    /// # Errors
    /// [`Error::TokenMissing`], [`Error::TokenExpired`], [`Error::TokenInvalid`], or
    /// [`Error::Unavailable`] if no keys are known and they cannot be fetched.
    pub async fn verify(&self, headers: &HeaderMap) -> Result<Arc<Claims>, Error> {
        let token = bearer(headers).ok_or(Error::TokenMissing)?;
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Error::TokenInvalid);
        }
        let hash: [u8; 32] =
            digest(&SHA256, token.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes");
        if let Some(claims) = self.0.verified.get(&hash) {
            if claims.exp + LEEWAY_SECONDS > now() {
                return Ok(claims);
            }
            self.0.verified.invalidate(&hash);
            return Err(Error::TokenExpired);
        }
        let claims = Arc::new(self.check(token).await?);
        self.0.verified.insert(hash, claims.clone());
        Ok(claims)
    }

    async fn check(&self, token: &str) -> Result<Claims, Error> {
        let header = decode_header(token).map_err(|_| Error::TokenInvalid)?;
        let kid = header.kid.ok_or(Error::TokenInvalid)?;
        self.refresh(&kid).await?;
        let keys = self.0.keys.load();
        let key = keys.by_kid.get(&kid).ok_or(Error::TokenInvalid)?;
        match decode::<Claims>(token, key, &self.0.validation) {
            Ok(data) => Ok(data.claims),
            Err(error) if *error.kind() == ErrorKind::ExpiredSignature => Err(Error::TokenExpired),
            Err(_) => Err(Error::TokenInvalid),
        }
    }

    /// Fetches the keys if they are too old or `kid` is not among them.
    async fn refresh(&self, kid: &str) -> Result<(), Error> {
        let Some(source) = &self.0.source else {
            return Ok(());
        };
        if let Some(result) = self.0.keys.load().is_fresh(kid) {
            return result.map_err(|KeysUnavailable| source.unavailable());
        }
        // In a separate task: neither the deadline of this call nor a client that disconnects cancels
        // the fetch that other calls wait for.
        let (inner, kid) = (self.0.clone(), kid.to_owned());
        let read = tokio::spawn(async move { inner.read_keys(&kid).await });
        match read.await.map_err(Error::internal)? {
            Ok(()) => Ok(()),
            Err(KeysUnavailable) => Err(source.unavailable()),
        }
    }

    /// Replaces all keys and clears the token cache, so that tokens of a withdrawn key are rejected.
    ///
    /// # Errors
    /// A key that is not Ed25519.
    pub fn set_keys(&self, jwks: &JwkSet) -> Result<(), BoxError> {
        self.0.keys.store(Arc::new(Keys { by_kid: by_kid(jwks)?, ..Keys::default() }));
        self.0.verified.invalidate_all();
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
    /// Returns whether a token with `kid` can be decided now; `None` if the keys must be fetched first.
    fn is_fresh(&self, kid: &str) -> Option<Result<(), KeysUnavailable>> {
        let within = |t: Option<Instant>, age: Duration| t.is_some_and(|t| t.elapsed() < age);
        let known = self.by_kid.contains_key(kid);
        if known && within(self.fetched, KEYS_AGE_MAX) {
            return Some(Ok(()));
        }
        let last_failed = self.fetched != self.attempted;
        within(self.attempted, FETCH_INTERVAL_MIN).then_some(if known || !last_failed {
            Ok(())
        } else {
            Err(KeysUnavailable)
        })
    }
}

impl Inner {
    /// Fetches the keys, one fetch at a time. A failed fetch keeps the old keys.
    async fn read_keys(&self, kid: &str) -> Result<(), KeysUnavailable> {
        let _one_at_a_time = self.fetching.lock().await;
        let keys = self.keys.load_full();
        if let Some(result) = keys.is_fresh(kid) {
            return result;
        }
        let Some(source) = &self.source else {
            return Ok(());
        };
        let fetched = source.fetch().await;
        let now = Some(Instant::now());
        let keys = match fetched {
            Ok(by_kid) => Keys { by_kid, fetched: now, attempted: now },
            Err(error) => {
                tracing::warn!(%error, "cannot fetch the public keys");
                Keys { by_kid: keys.by_kid.clone(), fetched: keys.fetched, attempted: now }
            }
        };
        let result = keys.is_fresh(kid).unwrap_or(Ok(()));
        self.keys.store(Arc::new(keys));
        result
    }
}

impl Source {
    fn unavailable(&self) -> Error {
        self.channel.unavailable("keys unavailable")
    }

    async fn fetch(&self) -> Result<HashMap<String, DecodingKey>, Error> {
        let body = self.channel.get(&self.url).await?;
        let jwks: JwkSet = serde_json::from_slice(&body).map_err(Error::internal)?;
        by_kid(&jwks).map_err(Error::Internal)
    }
}

fn by_kid(jwks: &JwkSet) -> Result<HashMap<String, DecodingKey>, BoxError> {
    jwks.keys
        .iter()
        .map(|jwk| {
            let kid = jwk.common.key_id.clone().ok_or("a key has no kid")?;
            Ok((kid, DecodingKey::from_jwk(jwk)?))
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
