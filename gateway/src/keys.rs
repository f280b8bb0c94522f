//! The token issuer's public keys: for the early check of tokens, and served on to
//! whoever verifies tokens himself.

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

/// In the contract the issuer of tokens has this name.
const UNAVAILABLE_REASON: &str = "USER_SVC_UNAVAILABLE";
/// The document is read anew after this long.
const DOCUMENT_AGE_MAX: Duration = Duration::from_secs(10);

/// Access to the public keys. Cheap to clone.
#[derive(Clone)]
pub struct Keys(Option<Arc<Source>>);

struct Source {
    channel: Channel,
    url: Uri,
    verifier: Verifier,
    document: Mutex<Option<(Bytes, Instant)>>,
}

impl Keys {
    /// Keys that are read when first needed.
    ///
    /// # Errors
    /// A URL that names no host, or `https` without certificates.
    pub fn new(
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

    /// No keys can be had.
    pub fn none() -> Self {
        Self(None)
    }

    /// The claims of the bearer token in `headers`.
    ///
    /// # Errors
    /// As [`Verifier::verify`]: where keys cannot be had, [`Error::Unavailable`].
    pub async fn verify(&self, headers: &HeaderMap) -> Result<Arc<Claims>, Error> {
        self.source()?.verifier.verify(headers).await
    }

    /// The JWKS document. One that was read before is better than none.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn document(&self) -> Result<Bytes, Error> {
        let source = self.source()?;
        let mut document = source.document.lock().await;
        let known = document.clone();
        if let Some((bytes, read)) = &known
            && read.elapsed() < DOCUMENT_AGE_MAX
        {
            return Ok(bytes.clone());
        }
        let bytes = match (source.channel.get(&source.url).await, known) {
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
