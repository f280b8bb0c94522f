//! The public keys of the token issuer (JWKS): they verify tokens early, and the gateway also
//! serves them to clients that verify tokens themselves.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, Uri};
use mesh::{
    BoxError, Error,
    access::Methods,
    channel::{Channel, Target},
    config::TokenConfig,
    identity::Claims,
    tls::Tls,
    token::Verifier,
};
use tokio::sync::Mutex;

/// The reason of the contract while the token issuer is down.
const UNAVAILABLE_REASON: &str = "USER_SVC_UNAVAILABLE";
/// The document is fetched again after this.
const DOCUMENT_AGE_MAX: Duration = Duration::from_secs(10);

/// The public keys; without a source they are unavailable. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Keys(Option<Arc<Source>>);

struct Source {
    channel: Channel,
    url: Uri,
    verifier: Verifier,
    document: Mutex<Option<(Bytes, Instant)>>,
}

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
        let target =
            Target { url: url.clone(), unavailable_reason: UNAVAILABLE_REASON, tls, methods };
        let channel = Channel::connect(target)?;
        let verifier = Verifier::fetching(config, channel.clone());
        let document = Mutex::new(None);
        Ok(Self(Some(Arc::new(Source { channel, url, verifier, document }))))
    }

    pub(crate) fn unavailable() -> Self {
        Self(None)
    }

    /// Returns the claims of the bearer token in `headers`.
    ///
    /// # Errors
    /// Those of [`Verifier::verify`]; [`Error::Unavailable`] if there is no source.
    pub(crate) async fn verify(&self, headers: &HeaderMap) -> Result<Arc<Claims>, Error> {
        self.source()?.verifier.verify(headers).await
    }

    /// Returns the JWKS document. If the issuer is down, an older one is still served.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub(crate) async fn document(&self) -> Result<Bytes, Error> {
        let source = self.source()?;
        let mut document = source.document.lock().await;
        let cached = document.clone();
        if let Some((bytes, fetched)) = &cached
            && fetched.elapsed() < DOCUMENT_AGE_MAX
        {
            return Ok(bytes.clone());
        }
        let bytes = match (source.channel.get(&source.url).await, cached) {
            (Ok(bytes), _) => bytes,
            (Err(_), Some((bytes, _))) => bytes,
            (Err(error), None) => return Err(error),
        };
        *document = Some((bytes.clone(), Instant::now()));
        Ok(bytes)
    }

    fn source(&self) -> Result<&Source, Error> {
        self.0.as_deref().ok_or_else(|| Error::Unavailable {
            reason: UNAVAILABLE_REASON,
            source: "JWKS_URL needs certificates".into(),
        })
    }
}
