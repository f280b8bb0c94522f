//! What a service does with every call before its handler and after: span and metrics, deadline,
//! load shedding, authentication, authorization and audit by the descriptors. A call that changes
//! something is not dropped when the client disconnects or the deadline passes: it ends by itself,
//! with its transaction committed or rolled back.

use std::{
    collections::HashMap,
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderValue, Request, Response};
use tokio::time::Instant;
use tonic::{Code, Status, body::Body};
use tower::ServiceExt;
use tracing::Instrument;

use crate::{
    access::{Access, Method, Methods},
    audit,
    call::{self, CallMetrics, ConcurrencyLimits},
    client::{self, ClientStreams},
    cut_off, deadline,
    error::{Error, status},
    open_service::{self, OpenServiceLimits, is_open},
    request_body::{BodyLimit, RequestBody},
    server::Peer,
    token::Verifier,
};

/// Longest duration of a stream: more than the handlers of the contract let it last, for a client that
/// does not read.
const STREAM_DURATION_MAX: Duration = Duration::from_secs(900);

/// What decides whether a call may run, and for how long.
#[derive(Clone)]
pub struct CallPolicy {
    /// The methods of the contract.
    pub methods: Arc<Methods>,
    /// Verifies access tokens.
    pub verifier: Verifier,
    /// Longest duration of a call.
    pub call_duration_max: Duration,
    /// Most calls and streams in flight.
    pub limits: ConcurrencyLimits,
    /// Most streams of one client.
    pub client_streams: ClientStreams,
    /// Most bytes of a request body, for methods whose contract states no limit.
    pub request_bytes_default: u32,
}

impl CallPolicy {
    fn open_limits(&self) -> OpenServiceLimits {
        OpenServiceLimits {
            concurrency: self.limits.clone(),
            request_bytes_max: self.request_bytes_default,
            duration_max: STREAM_DURATION_MAX,
        }
    }
}

/// The handlers of a service behind its call policy. Cheap to clone.
#[derive(Clone)]
pub struct Rpc<S> {
    policy: CallPolicy,
    metrics: Arc<HashMap<String, CallMetrics>>,
    handlers: S,
}

impl<S> Rpc<S> {
    /// Puts `handlers` behind `policy`.
    pub fn new(policy: CallPolicy, handlers: S) -> Self {
        let metrics = policy.methods.iter().map(|(path, method)| {
            (path.to_owned(), CallMetrics::new(&method.service, &method.name))
        });
        let metrics = Arc::new(metrics.collect());
        Self { policy, metrics, handlers }
    }
}

impl<S> tower::Service<Request<Body>> for Rpc<S>
where
    S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let rpc = self.clone();
        Box::pin(async move {
            let path = request.uri().path();
            if let (Some(method), Some(metrics)) =
                (rpc.policy.methods.get(path), rpc.metrics.get(path))
            {
                return Ok(measure(&rpc.policy, method, metrics, request, rpc.handlers).await);
            }
            if is_open(path) {
                return open_service::call(rpc.handlers, rpc.policy.open_limits(), request).await;
            }
            if !call::is_grpc(request.headers()) {
                cut_off::at(Some(Instant::now() + rpc.policy.call_duration_max));
                return rpc.handlers.oneshot(request).await;
            }
            Ok(Status::from(Error::MethodUnknown).into_http())
        })
    }
}

/// Runs a call in its span, counts it and records its duration.
async fn measure<S>(
    policy: &CallPolicy,
    method: &Method,
    metrics: &CallMetrics,
    mut request: Request<Body>,
    handlers: S,
) -> Response<Body>
where
    S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Send
        + 'static,
    S::Future: Send,
{
    let start = Instant::now();
    let span = call::open_span(method, request.headers_mut());
    let result = admit_and_handle(policy, method, request, handlers).instrument(span.clone()).await;
    let response = result.unwrap_or_else(|error| {
        let _in_span = span.enter();
        status(&error).into_http()
    });
    // A response whose status follows in its trailers began well.
    let code = call::status_code(response.headers()).unwrap_or(Code::Ok);
    span.record("rpc.grpc.status_code", code as i32);
    metrics.record(code, start.elapsed());
    with_contract_code(response, code)
}

async fn admit_and_handle<S>(
    policy: &CallPolicy,
    method: &Method,
    mut request: Request<Body>,
    handlers: S,
) -> Result<Response<Body>, Error>
where
    S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Send
        + 'static,
    S::Future: Send,
{
    let duration = deadline::read(request.headers(), policy.call_duration_max);
    // tonic would report an expired deadline as CANCELLED.
    request.headers_mut().remove("grpc-timeout");
    let deadline = Instant::now() + duration;
    deadline::scope(deadline, authorize(policy, method, &mut request)).await??;
    if let Some(network) = client::read_network(request.headers(), request.extensions()) {
        request.extensions_mut().insert(network);
    }
    let of_client = policy.client_streams.acquire(method, request.extensions())?;
    let permits = (policy.limits.acquire(method)?, of_client);
    let limit = BodyLimit::of(method, policy.request_bytes_default, u32::MAX);
    let request = request.map(|body| Body::new(RequestBody::new(body, limit)));
    let streaming = method.streaming;
    let audited = audit::Call::of(method, request.extensions());

    let handled = async move {
        let response = handlers.oneshot(request).await.unwrap_or_else(|never| match never {});
        // The deadline of a stream ends with its first response headers, its permits with its body.
        if streaming { call::attach(response, permits) } else { response }
    };
    let handled = audit::handle(audited, handled);
    let response = if method.no_side_effects {
        deadline::scope(deadline, handled).await??
    } else {
        // The deadline only notifies the caller; a statement of the change ends by its own timeout.
        let handled = deadline::scope_without_limit(deadline, handled);
        let task = tokio::spawn(handled.in_current_span());
        deadline::scope(deadline, task).await?.map_err(Error::internal)??
    };
    let reading_ends = if streaming { Instant::now() + STREAM_DURATION_MAX } else { deadline };
    cut_off::at(Some(reading_ends + cut_off::NOTICE));
    Ok(response)
}

/// Checks authentication, then the role. The handler validates after that.
async fn authorize(
    policy: &CallPolicy,
    method: &Method,
    request: &mut Request<Body>,
) -> Result<(), Error> {
    match &method.access {
        Access::Public => Ok(()),
        Access::Internal { .. } => {
            let peer = request.extensions().get::<Peer>();
            method.admit_service(peer.and_then(|peer| peer.certificate_name.as_deref()))
        }
        Access::Roles(_) | Access::Nobody => {
            let claims = policy.verifier.verify(request.headers()).await?;
            method.admit(&claims)?;
            request.extensions_mut().insert(claims);
            Ok(())
        }
    }
}

/// Replaces statuses that tonic creates by those of the contract. A status with details comes from
/// our own code and stays.
fn with_contract_code(response: Response<Body>, code: Code) -> Response<Body> {
    const DETAILS: &str = "grpc-status-details-bin";
    if code == Code::Ok || response.headers().contains_key(DETAILS) {
        return response;
    }
    let message = response.headers().get("grpc-message").map(HeaderValue::as_bytes);
    let message = String::from_utf8_lossy(message.unwrap_or_default()).into_owned();
    match code {
        Code::OutOfRange | Code::ResourceExhausted => status(&Error::MessageTooLarge).into_http(),
        Code::Cancelled => status(&Error::DeadlineExceeded).into_http(),
        // tonic reports bytes that are not the expected message by one of these.
        Code::Internal | Code::InvalidArgument | Code::Unknown => {
            tracing::debug!(message, "a request could not be decoded");
            let mut violations = crate::validate::Violations::new();
            violations.add("request", "must be a message of this method");
            status(&Error::Invalid(violations)).into_http()
        }
        _ => response,
    }
}
