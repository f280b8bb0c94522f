//! Client-side load balancing to another service: HTTP/2 with mTLS to every address that its name
//! resolves to, without a sidecar. Dead addresses are ejected within seconds (outlier detection), new
//! ones are added. A request that was certainly not sent goes to another address; an idempotent call
//! is retried within a retry budget.

mod connector;
mod endpoint;
mod pool;
mod retry;

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Limited};
use tokio::time::{Instant, timeout};
use tonic::{Status, body::Body};
use tower::retry::budget::TpsBudget;

use self::pool::Pool;
use crate::{BoxError, access::Methods, deadline, error::Error, telemetry, tls::Tls};

const CALL_DURATION_MAX: Duration = Duration::from_secs(60);
const DOCUMENT_BYTES_MAX: usize = 1 << 20;

/// The service that calls go to, and its methods.
#[derive(Clone)]
pub struct Target {
    /// `https://host:port` (mTLS) or `http://host:port` (plaintext HTTP/2).
    pub url: Uri,
    /// `reason` of the error while it is down, such as `USER_SVC_UNAVAILABLE`.
    pub unavailable_reason: &'static str,
    /// Certificate of the caller; required for `https`.
    pub tls: Option<Tls>,
    /// The methods of the contract, which state what may be retried.
    pub methods: Arc<Methods>,
}

/// A load-balanced channel to one service. Cheap to clone.
#[derive(Clone)]
pub struct Channel(Arc<Inner>);

struct Inner {
    target: Target,
    pool: Arc<Pool>,
    budget: TpsBudget,
}

impl Channel {
    /// Creates a channel that connects in the background.
    ///
    /// # Errors
    /// A URL without a host, or `https` without certificates.
    pub fn connect(target: Target) -> Result<Self, BoxError> {
        let channel = Self::unresolved(target)?;
        tokio::spawn(Pool::keep_resolved(Arc::downgrade(&channel.0.pool)));
        Ok(channel)
    }

    fn unresolved(target: Target) -> Result<Self, BoxError> {
        let pool = Pool::new(&target.url, target.tls.clone())?;
        Ok(Self(Arc::new(Inner { target, pool, budget: retry::budget() })))
    }

    /// Reads a small document that the service provides by plain HTTP.
    ///
    /// # Errors
    /// [`Error::Unavailable`], also for any status but 200.
    pub async fn get(&self, url: &Uri) -> Result<Bytes, Error> {
        let path = url.path_and_query().map_or("/", |path| path.as_str());
        let request = Request::get(path).body(Body::empty()).map_err(Error::internal)?;
        let response = self.send(request, true).await?;
        if response.status() != http::StatusCode::OK {
            return Err(self.unavailable(format!("{path} returned {}", response.status())));
        }
        let body = Limited::new(response.into_body(), DOCUMENT_BYTES_MAX);
        let body = body.collect().await.map_err(|error| self.unavailable(error))?;
        Ok(body.to_bytes())
    }

    /// Sends a request as part of the current call: with its remaining time and its trace. Otherwise
    /// like [`Self::forward`].
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::DeadlineExceeded`]. An error of the service itself is a
    /// response.
    pub async fn send(
        &self,
        mut request: Request<Body>,
        idempotent: bool,
    ) -> Result<Response<Body>, Error> {
        telemetry::write_trace(request.headers_mut());
        let time = deadline::current().map_or(CALL_DURATION_MAX, |deadline| {
            deadline.saturating_duration_since(Instant::now())
        });
        deadline::write(request.headers_mut(), time);
        let sent = self.forward(request, idempotent);
        timeout(time, sent).await.map_err(|_| Error::DeadlineExceeded)?
    }

    /// Sends a request unchanged to one of the addresses. An `idempotent` one is retried if its
    /// outcome is unknown or the service is unavailable, unless its body is too large to keep.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn forward(
        &self,
        mut request: Request<Body>,
        idempotent: bool,
    ) -> Result<Response<Body>, Error> {
        self.0.pool.readdress(&mut request)?;
        if idempotent {
            self.send_with_retries(request).await
        } else {
            self.send_once(request).await.map_err(|failure| self.unavailable(failure))
        }
    }

    pub(crate) fn unavailable(&self, source: impl Into<BoxError>) -> Error {
        Error::Unavailable { reason: self.0.target.unavailable_reason, source: source.into() }
    }
}

/// The interface for generated clients. A method is retried if the contract declares it idempotent
/// and it has no stream.
impl tower::Service<Request<Body>> for Channel {
    type Response = Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let channel = self.clone();
        let method = self.0.target.methods.get(request.uri().path());
        let idempotent = method.is_some_and(|method| method.idempotent && !method.streaming);
        Box::pin(async move { channel.send(request, idempotent).await.map_err(Status::from) })
    }
}

#[cfg(test)]
mod tests;
