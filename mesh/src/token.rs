//! Access tokens: what they say, and their verification in each service by public
//! keys that are fetched once and kept. A token once verified is remembered until it
//! expires: a signature check costs more than a hop.

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
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::{
    channel::Channel,
    config::TokenConfig,
    error::{BoxError, Error},
};

/// Most tokens remembered at once.
const TOKENS_REMEMBERED_MAX: u64 = 50_000;
/// Longest token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 4096;
/// Clocks may differ by this much.
const LEEWAY_SECONDS: u64 = 2;
/// Keys are read anew after this long, so that a withdrawn one stops counting.
const KEYS_AGE_MAX: Duration = Duration::from_secs(300);
/// An unknown `kid` or a failed fetch makes us ask again no sooner than this.
const FETCH_INTERVAL_MIN: Duration = Duration::from_secs(1);

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Acts on its own account.
    Customer,
    /// May do all.
    Admin,
}

/// What an access token says. Source: RFC 7519, and `sid` of OpenID Connect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Issuer.
    pub iss: String,
    /// Audience.
    pub aud: String,
    /// UUID of the account or API client.
    pub sub: uuid::Uuid,
    /// Expiry, seconds since 1970.
    pub exp: u64,
    /// Issue, seconds since 1970.
    pub iat: u64,
    /// UUID of the token.
    pub jti: uuid::Uuid,
    /// UUID of the session; an API client has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<uuid::Uuid>,
    /// What the account may do.
    pub role: Role,
    /// The account's address; an API client has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The account's display name, or the API client's name.
    pub name: String,
}

impl Claims {
    /// How long they still count.
    pub fn time_left(&self) -> Duration {
        Duration::from_secs(self.exp).saturating_sub(since_1970())
    }
}

/// The claims of a call's token, from the request's extensions.
///
/// # Errors
/// [`Error::TokenMissing`] for a method that needs none, and so has none.
pub fn claims<T>(request: &tonic::Request<T>) -> Result<Arc<Claims>, Error> {
    let claims = request.extensions().get::<Arc<Claims>>();
    claims.cloned().ok_or(Error::TokenMissing)
}

/// Checks access tokens. Cheap to clone.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    keys: ArcSwap<Keys>,
    source: Option<Source>,
    fetching: Mutex<()>,
    validation: Validation,
    remembered: Cache<[u8; 32], Arc<Claims>>,
}

struct Source {
    channel: Channel,
    url: http::Uri,
}

#[derive(Default)]
struct Keys {
    by_kid: HashMap<String, DecodingKey>,
    fetched: Option<Instant>,
    tried: Option<Instant>,
}

impl Verifier {
    /// Takes its keys from `jwks_url`, over `channel`.
    pub fn fetching(config: &TokenConfig, channel: Channel) -> Self {
        let url = config.jwks_url.clone();
        Self::new(config, Keys::default(), Some(Source { channel, url }))
    }

    /// Takes the keys given, for the service that issues the tokens.
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
            remembered: Cache::new(TOKENS_REMEMBERED_MAX),
        }))
    }

    /// The claims of the bearer token in `headers`.
    ///
    /// # Errors
    /// [`Error::TokenMissing`], [`Error::TokenExpired`], [`Error::TokenInvalid`], or
    /// [`Error::Unavailable`] where the keys cannot be had.
    pub async fn verify(&self, headers: &HeaderMap) -> Result<Arc<Claims>, Error> {
        let token = bearer(headers).ok_or(Error::TokenMissing)?;
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Error::TokenInvalid);
        }
        let hash: [u8; 32] =
            digest(&SHA256, token.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes");
        if let Some(claims) = self.0.remembered.get(&hash) {
            if claims.exp + LEEWAY_SECONDS > now() {
                return Ok(claims);
            }
            self.0.remembered.invalidate(&hash);
            return Err(Error::TokenExpired);
        }
        let claims = Arc::new(self.check(token).await?);
        self.0.remembered.insert(hash, claims.clone());
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

    /// Reads the keys where they are old or `kid` is not among them.
    async fn refresh(&self, kid: &str) -> Result<(), Error> {
        let Some(source) = &self.0.source else {
            return Ok(());
        };
        if let Some(enough) = self.0.keys.load().suffice(kid) {
            return enough.map_err(|CannotBeHad| source.unavailable());
        }
        // In a task of its own: neither the deadline of the call that happens to ask
        // nor its caller's leaving cuts it off.
        let (inner, kid) = (self.0.clone(), kid.to_owned());
        let read = tokio::spawn(async move { inner.read_keys(&kid).await });
        match read.await.map_err(Error::internal)? {
            Ok(()) => Ok(()),
            Err(CannotBeHad) => Err(source.unavailable()),
        }
    }

    /// Puts other keys in the place of all that are known, and forgets every token: what
    /// a key that is gone has signed no longer counts.
    ///
    /// # Errors
    /// A key that is not Ed25519.
    pub fn set_keys(&self, jwks: &JwkSet) -> Result<(), BoxError> {
        self.0.keys.store(Arc::new(Keys { by_kid: by_kid(jwks)?, ..Keys::default() }));
        self.0.remembered.invalidate_all();
        Ok(())
    }

    /// How many public keys are known.
    pub fn keys_len(&self) -> usize {
        self.0.keys.load().by_kid.len()
    }
}

/// The keys are not known, and were not to be read just now.
struct CannotBeHad;

impl Keys {
    /// Whether `kid` can be judged by what is known already.
    fn suffice(&self, kid: &str) -> Option<Result<(), CannotBeHad>> {
        let young = |t: Option<Instant>, age: Duration| t.is_some_and(|t| t.elapsed() < age);
        let known = self.by_kid.contains_key(kid);
        if known && young(self.fetched, KEYS_AGE_MAX) {
            return Some(Ok(()));
        }
        let last_failed = self.fetched != self.tried;
        young(self.tried, FETCH_INTERVAL_MIN).then_some(if known || !last_failed {
            Ok(())
        } else {
            Err(CannotBeHad)
        })
    }
}

impl Inner {
    /// One fetch at a time; where old keys are there, a failed one leaves them in force.
    async fn read_keys(&self, kid: &str) -> Result<(), CannotBeHad> {
        let _one_at_a_time = self.fetching.lock().await;
        let keys = self.keys.load_full();
        if let Some(enough) = keys.suffice(kid) {
            return enough;
        }
        let Some(source) = &self.source else {
            return Ok(());
        };
        let fetched = source.fetch().await;
        let now = Some(Instant::now());
        let keys = match fetched {
            Ok(by_kid) => Keys { by_kid, fetched: now, tried: now },
            Err(error) => {
                tracing::warn!(%error, "the public keys were not read anew");
                Keys { by_kid: keys.by_kid.clone(), fetched: keys.fetched, tried: now }
            }
        };
        let enough = keys.suffice(kid).unwrap_or(Ok(()));
        self.keys.store(Arc::new(keys));
        enough
    }
}

impl Source {
    fn unavailable(&self) -> Error {
        self.channel.unavailable("the public keys cannot be had")
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
    since_1970().as_secs()
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
