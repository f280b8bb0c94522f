//! The public keys of the token issuer (JWKS): they verify tokens early, and the gateway also
//! serves them to clients that verify tokens themselves.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use mesh::{
    BoxError, Error,
    access::Methods,
    channel::{Channel, Target},
    config::TokenConfig,
    identity::Claims,
    tls::Tls,
    token::Verifier,
};

/// The reason of the contract while the token issuer is down.
const UNAVAILABLE_REASON: &str = "USER_SVC_UNAVAILABLE";

/// The public keys; without a verifier they are unavailable. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Keys(Option<Verifier>);

impl Keys {
    /// Creates keys that are fetched when first needed.
    ///
    /// # Errors
    /// A URL without a host, or `https` without certificates.
    pub(crate) fn new(
        config: &TokenConfig,
        tls: Option<Tls>,
        methods: Arc<Methods>,
    ) -> Result<Self, BoxError> {
        let url = config.jwks_url.clone();
        let target = Target { url, unavailable_reason: UNAVAILABLE_REASON, tls, methods };
        Ok(Self(Some(Verifier::fetching(config, Channel::connect(target)?))))
    }

    pub(crate) fn unavailable() -> Self {
        Self(None)
    }

    /// Returns the claims of the bearer token in `headers`.
    ///
    /// # Errors
    /// Those of [`Verifier::verify`]; [`Error::Unavailable`] without a verifier.
    pub(crate) async fn verify(&self, headers: &HeaderMap) -> Result<Arc<Claims>, Error> {
        self.verifier()?.verify(headers).await
    }

    /// Returns the JWKS document. If the issuer is down, an older one is still served.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub(crate) async fn document(&self) -> Result<Bytes, Error> {
        self.verifier()?.document().await
    }

    fn verifier(&self) -> Result<&Verifier, Error> {
        self.0.as_ref().ok_or_else(|| Error::Unavailable {
            reason: UNAVAILABLE_REASON,
            source: "JWKS_URL needs certificates".into(),
        })
    }
}
