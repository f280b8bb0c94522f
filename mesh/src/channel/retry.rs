//! When a request is sent again: what surely was not sent always is, elsewhere; what is
//! idempotent is tried again within a budget.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, uri::Authority};
use http_body_util::{BodyExt, Full, Limited};
use tokio::time::sleep;
use tonic::body::Body;
use tower::retry::budget::{Budget, TpsBudget};

use super::Channel;
use crate::error::Error;

const ATTEMPTS_MAX: u32 = 3;
/// So often a connection may turn out to be closed before it took the request.
const SENDINGS_MAX: u32 = 4;
const DELAY: Duration = Duration::from_millis(25);
/// Largest body that is kept for another try.
pub(super) const BYTES_MAX: usize = 17 << 20;

/// One attempt more for every five calls, and some in any case.
pub(super) fn budget() -> TpsBudget {
    TpsBudget::new(Duration::from_secs(10), 10, 0.2)
}

impl Channel {
    pub(super) async fn send_repeatedly(
        &self,
        request: Request<Body>,
    ) -> Result<Response<Body>, Error> {
        let (head, body) = request.into_parts();
        let body = Limited::new(body, BYTES_MAX).collect().await;
        let body: Bytes = body.map_err(|_| Error::MessageTooLarge)?.to_bytes();
        self.0.budget.deposit();
        let mut attempt = 1;
        loop {
            let request = Request::from_parts(head.clone(), Body::new(Full::new(body.clone())));
            let result = self.send_once(request).await;
            let may_pass = match &result {
                Ok(response) => is_unavailable(response),
                Err(failure) => matches!(failure, Failure::Broken(_)),
            };
            if !may_pass || attempt == ATTEMPTS_MAX || !self.0.budget.withdraw() {
                return result.map_err(|failure| self.unavailable(failure));
            }
            sleep(DELAY * attempt).await;
            attempt += 1;
        }
    }

    /// One attempt: what surely was not sent is sent elsewhere, the rest is over.
    pub(super) async fn send_once(
        &self,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, Failure> {
        for _ in 0..SENDINGS_MAX {
            let Some(place) = self.0.pool.take().await else {
                break;
            };
            match place.sender().try_send_request(request).await {
                Ok(response) => {
                    place.judge(!is_unavailable(&response));
                    return Ok(response.map(|body| {
                        Body::new(body.map_frame(move |frame| {
                            let _until_the_end = &place;
                            frame
                        }))
                    }));
                }
                Err(mut error) => match error.take_message() {
                    Some(unsent) => {
                        place.leave();
                        request = unsent;
                    }
                    None => {
                        place.judge(false);
                        return Err(Failure::Broken(error.into_error()));
                    }
                },
            }
        }
        Err(Failure::Unreachable(self.0.pool.authority.clone()))
    }
}

/// Why an attempt brought no response.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// No address takes a connection; nothing was sent.
    #[error("no connection to {0}")]
    Unreachable(Authority),
    /// The connection broke, or the service broke off the call.
    #[error("the call broke off")]
    Broken(#[source] hyper::Error),
}

/// Whether a service answers, before any message, that it cannot do its work.
fn is_unavailable<B>(response: &Response<B>) -> bool {
    let status = response.headers().get("grpc-status");
    status.is_some_and(|code| code.as_bytes() == b"14")
}
