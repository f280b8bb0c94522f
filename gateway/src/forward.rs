//! The path of a call through the gateway: admission by the contract's options of its method, then
//! forwarding. Its token is checked early to reject it cheaply; the service checks it again.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderMap, Request, Response, StatusCode, Uri, header::CONTENT_TYPE};
use mesh::{
    Error,
    access::{Access, Method},
    call::{CallMetrics, ConcurrencyLimits, is_grpc},
    error::status,
    open_service::{self, OpenServiceLimits, is_open},
    request_body::RequestBody,
    request_buffer::BufferedBody,
    server::Peer,
    telemetry,
};
use tokio::time::timeout_at;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, body::Body, service::Routes as OwnServices};
use tracing::Instrument;

use crate::{
    call::Call, config::Network, headers, keys::Keys, request_fault::Fault, response_body,
    routes::Routes,
};

/// What decides whether a call may run, and for how long.
pub(crate) struct CallPolicy {
    pub(crate) routes: Arc<Routes>,
    pub(crate) keys: Keys,
    pub(crate) limits: ConcurrencyLimits,
    /// Proxies whose x-forwarded-for is trusted.
    pub(crate) trusted_proxies: Vec<Network>,
    /// Where browsers open the store.
    pub(crate) public_urls: Vec<Uri>,
    /// Cancelled when the gateway stops accepting: resumable streams end.
    pub(crate) drain: CancellationToken,
    /// Cancelled shortly before the drain is over: all other calls end.
    pub(crate) cut_off: CancellationToken,
}

/// Forwards calls in gRPC. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Forward {
    policy: Arc<CallPolicy>,
    own_services: OwnServices,
    own_limits: OpenServiceLimits,
    unknown: Arc<CallMetrics>,
}

impl Forward {
    /// `own_services` are health and reflection of the gateway itself.
    pub(crate) fn new(
        policy: CallPolicy,
        own_services: OwnServices,
        own_limits: OpenServiceLimits,
    ) -> Self {
        let unknown = Arc::new(CallMetrics::new("unknown", "unknown"));
        Self { policy: Arc::new(policy), own_services, own_limits, unknown }
    }
}

impl tower::Service<Request<Body>> for Forward {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let path = request.uri().path();
        if let Some(route) = self.policy.routes.get(path) {
            let call = Call::begin(route, request.headers_mut());
            return Box::pin(run(self.policy.clone(), call, request));
        }
        if is_open(path) {
            let (services, limits) = (self.own_services.clone(), self.own_limits.clone());
            return Box::pin(open_service::call(services, limits, request));
        }
        self.unknown.record(Code::Unimplemented, Duration::ZERO);
        Box::pin(async { Ok(Status::from(Error::MethodUnknown).into_http()) })
    }
}

/// Runs a call under its deadline and converts an error to a status.
async fn run(
    policy: Arc<CallPolicy>,
    mut call: Call,
    request: Request<Body>,
) -> Result<Response<Body>, Infallible> {
    let fault = Fault::default();
    let span = call.span().clone();
    let deadline = call.deadline();
    let forwarded = timeout_at(deadline, admit_and_forward(&policy, &mut call, request, &fault));
    let forwarded = forwarded.instrument(span.clone()).await;
    Ok(match forwarded.unwrap_or(Err(Error::DeadlineExceeded)) {
        Ok(response) => {
            let resumable = call.route().method.resumable;
            let cut_off = if resumable { &policy.drain } else { &policy.cut_off };
            response_body::track(call, response, fault, cut_off.clone())
        }
        Err(error) => {
            let _in_span = span.enter();
            let status = fault.take().unwrap_or_else(|| status(&error));
            call.end(status.code());
            status.into_http()
        }
    })
}

async fn admit_and_forward(
    policy: &CallPolicy,
    call: &mut Call,
    mut request: Request<Body>,
    fault: &Fault,
) -> Result<Response<Body>, Error> {
    let route = call.route().clone();
    if route.cookies {
        headers::check_cookie(&request, &policy.public_urls)?;
    }
    // Before the token is verified: that waits for the keys, while their issuer does not respond.
    let of_address = Peer::acquire_call(request.extensions())?;
    call.attach_permit((policy.limits.acquire(&route.method)?, of_address));
    authorize(policy, &route.method, request.headers()).await?;

    let peer = request.extensions().get::<Peer>().map(|peer| peer.address.ip());
    headers::to_service(request.headers_mut(), route.cookies, peer, &policy.trusted_proxies);
    telemetry::write_trace(request.headers_mut());
    let mut request = request.map(|body| fault.record(RequestBody::new(body, route.body_limit)));
    if !route.may_retry() && !route.method.client_streaming {
        // A slow client keeps no stream and no permit of the service. A retry buffers by itself.
        let (head, body) = request.into_parts();
        let body = BufferedBody::read(body).await.map_err(Error::internal)?;
        request = Request::from_parts(head, body.into_body());
    }
    call.write_deadline(request.headers_mut());

    let forwarded = route.channel.forward(request, route.may_retry()).await;
    let mut response = match forwarded {
        Err(Error::Unavailable { .. }) if call.has_expired() => {
            return Err(Error::DeadlineExceeded);
        }
        forwarded => forwarded?,
    };
    headers::to_client(response.headers_mut(), route.cookies, route.method.streaming);
    check_response(call, &response)?;
    Ok(response)
}

async fn authorize(policy: &CallPolicy, method: &Method, headers: &HeaderMap) -> Result<(), Error> {
    if method.access == Access::Public {
        return Ok(());
    }
    let claims = policy.keys.verify(headers).await?;
    method.admit(&claims)
}

/// Rejects a response that is not gRPC, such as one of a proxy before the service.
fn check_response(call: &Call, response: &Response<Body>) -> Result<(), Error> {
    let unavailable = |source: String| Error::Unavailable {
        reason: call.route().unavailable_reason,
        source: source.into(),
    };
    if response.status() != StatusCode::OK {
        return Err(unavailable(format!("the service responded with {}", response.status())));
    }
    if !is_grpc(response.headers()) {
        let content_type = response.headers().get(CONTENT_TYPE);
        return Err(unavailable(format!("the service responded with {content_type:?}")));
    }
    let is_cancelled = mesh::call::status_code(response.headers()) == Some(Code::Cancelled);
    if is_cancelled && call.has_expired() {
        return Err(Error::DeadlineExceeded);
    }
    Ok(())
}
