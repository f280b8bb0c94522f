//! Retries. A request that was certainly not sent always goes to another address; an idempotent one is
//! retried within the retry budget.

use std::time::Duration;

use http::{Request, Response, uri::Authority};
use http_body_util::Full;
use tokio::time::sleep;
use tonic::{Code, body::Body};
use tower::retry::budget::{Budget, TpsBudget};

use super::Channel;
use crate::{call, error::Error, request_buffer::BufferedBody};

const ATTEMPTS_MAX: u32 = 3;
/// How many closed connections one attempt may meet before it sends the request.
const SENDS_MAX: u32 = 4;
const DELAY: Duration = Duration::from_millis(25);

/// Creates the retry budget: 20 % of the calls plus 10 per second.
pub(super) fn budget() -> TpsBudget {
    TpsBudget::new(Duration::from_secs(10), 10, 0.2)
}

impl Channel {
    /// Sends a request whose body fits into memory until its outcome is known, and any other once.
    pub(super) async fn send_with_retries(
        &self,
        request: Request<Body>,
    ) -> Result<Response<Body>, Error> {
        let (head, body) = request.into_parts();
        let body = BufferedBody::read(body).await.map_err(Error::internal)?;
        self.0.budget.deposit();
        let Some(bytes) = body.whole() else {
            let request = Request::from_parts(head, body.into_body());
            return self.send_once(request).await.map_err(|failure| self.unavailable(failure));
        };
        let mut attempt = 1;
        loop {
            let request = Request::from_parts(head.clone(), Body::new(Full::new(bytes.clone())));
            let result = self.send_once(request).await;
            let is_transient = match &result {
                Ok(response) => is_unavailable(response),
                Err(failure) => matches!(failure, Failure::Broken(_)),
            };
            if !is_transient || attempt == ATTEMPTS_MAX || !self.0.budget.withdraw() {
                return result.map_err(|failure| self.unavailable(failure));
            }
            sleep(DELAY * attempt).await;
            attempt += 1;
        }
    }

    /// Makes one attempt. Only a request that was certainly not sent goes to another address.
    pub(super) async fn send_once(
        &self,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, Failure> {
        for _ in 0..SENDS_MAX {
            let Some(permit) = self.0.pool.acquire().await else {
                break;
            };
            match permit.sender().try_send_request(request).await {
                Ok(response) => {
                    permit.record_result(!is_unavailable(&response));
                    return Ok(call::attach(response.map(Body::new), permit));
                }
                Err(mut error) => match error.take_message() {
                    Some(unsent) => {
                        permit.discard_connection();
                        request = unsent;
                    }
                    None => {
                        permit.record_result(false);
                        return Err(Failure::Broken(error.into_error()));
                    }
                },
            }
        }
        Err(Failure::Unreachable(self.0.pool.connector.authority.clone()))
    }
}

/// Why an attempt has no response.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// No address accepts a connection; nothing was sent.
    #[error("no connection to {0}")]
    Unreachable(Authority),
    /// The connection broke, or the service reset the stream.
    #[error("the call was interrupted")]
    Broken(#[source] hyper::Error),
}

/// Returns whether a service reports UNAVAILABLE before any message.
fn is_unavailable<B>(response: &Response<B>) -> bool {
    call::status_code(response.headers()) == Some(Code::Unavailable)
}
