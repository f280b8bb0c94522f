//! Calls of health and reflection, which anyone may make: the contract has no options for them, so
//! their limits are here.

use std::{convert::Infallible, time::Duration};

use http::{Request, Response};
use tokio::{sync::OwnedSemaphorePermit, time::Instant};
use tonic::body::Body;
use tower::ServiceExt;

use crate::{
    call::{self, ConcurrencyLimits},
    cut_off,
    error::{Error, status},
    request_body::{BodyLimit, RequestBody},
    server::Peer,
};

/// Prefixes of the services that need no access option.
const OPEN_SERVICES: [&str; 2] = ["/grpc.health.v1.", "/grpc.reflection."];
/// The methods that are not a stream. A program that sheds load still reports its health.
const UNARY_METHODS: [&str; 2] = ["/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/List"];

/// Returns whether `path` belongs to health or reflection.
pub fn is_open(path: &str) -> bool {
    OPEN_SERVICES.iter().any(|service| path.starts_with(service))
}

/// Limits of the calls of health and reflection.
#[derive(Clone)]
pub struct OpenServiceLimits {
    /// Streams count as those of other methods.
    pub concurrency: ConcurrencyLimits,
    /// Most bytes of a request message.
    pub request_bytes_max: u32,
    /// Longest duration of a call.
    pub duration_max: Duration,
}

/// Calls `handlers` within `limits`.
pub async fn call<S>(
    handlers: S,
    limits: OpenServiceLimits,
    request: Request<Body>,
) -> Result<Response<Body>, Infallible>
where
    S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let permit = match admit(&limits, &request) {
        Ok(permit) => permit,
        Err(error) => return Ok(status(&error).into_http()),
    };
    cut_off::at(Some(Instant::now() + limits.duration_max));
    let limit = BodyLimit::per_message(limits.request_bytes_max);
    let request = request.map(|body| Body::new(RequestBody::new(body, limit)));
    Ok(call::attach(handlers.oneshot(request).await?, permit))
}

/// The permits of a call: of the program, for a stream, and of the address of its client.
type Permits = (Option<OwnedSemaphorePermit>, Option<OwnedSemaphorePermit>);

fn admit(limits: &OpenServiceLimits, request: &Request<Body>) -> Result<Permits, Error> {
    let of_address = Peer::acquire_call(request.extensions())?;
    let is_stream = !UNARY_METHODS.contains(&request.uri().path());
    let of_program = is_stream.then(|| limits.concurrency.acquire_open()).transpose()?;
    Ok((of_program, of_address))
}
