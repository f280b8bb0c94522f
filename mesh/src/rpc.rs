//! What happens to every call of a service before its handler and after: span and
//! metrics, deadline, shedding, authentication and authorization by the descriptors.
//! A call that changes something runs to its end even if the client goes away.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use tonic::{Code, Status, body::Body};
use tower::ServiceExt;
use tracing::Instrument;

use crate::{
    access::{Access, Method, Methods},
    deadline,
    error::{Error, status},
    server::Peer,
    telemetry,
    token::Verifier,
};

/// Services that every client may use and that the contract need not name.
const OPEN_SERVICES: [&str; 2] = ["/grpc.health.v1.", "/grpc.reflection.v1."];

/// What calls are judged by.
#[derive(Clone)]
pub struct Rules {
    /// What the contract says of each method.
    pub methods: Arc<Methods>,
    /// Checks access tokens.
    pub verifier: Verifier,
    /// Longest time a call may take.
    pub call_duration_max: Duration,
    /// Calls under way at once, but for streams.
    pub calls: Arc<Semaphore>,
    /// Streams open at once, each until its end.
    pub streams: Arc<Semaphore>,
}

/// The handlers of a service, behind its rules.
#[derive(Clone)]
pub struct Rpc<S> {
    rules: Rules,
    handlers: S,
}

impl<S> Rpc<S> {
    /// Puts `handlers` behind `rules`.
    pub fn new(rules: Rules, handlers: S) -> Self {
        Self { rules, handlers }
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
        let (rules, handlers) = (self.rules.clone(), self.handlers.clone());
        Box::pin(async move {
            let path = request.uri().path().to_owned();
            if let Some(method) = rules.methods.get(&path) {
                return Ok(observed(&rules, method, request, handlers).await);
            }
            let open = OPEN_SERVICES.iter().any(|service| path.starts_with(service));
            if open || !is_grpc(&request) {
                return handlers.oneshot(request).await;
            }
            Ok(Status::from(Error::MethodUnknown).into_http())
        })
    }
}

fn is_grpc(request: &Request<Body>) -> bool {
    let content_type = request.headers().get(http::header::CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// One call in its span, counted and timed.
async fn observed<S>(
    rules: &Rules,
    method: &Method,
    mut request: Request<Body>,
    handlers: S,
) -> Response<Body>
where
    S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Send
        + 'static,
    S::Future: Send,
{
    let began = Instant::now();
    let span = tracing::info_span!(
        "call",
        otel.kind = "server",
        rpc.service = method.service,
        rpc.method = method.name
    );
    telemetry::continue_trace(&span, request.headers_mut());
    let judged = judged(rules, method, request, handlers).instrument(span.clone());
    let response = judged.await.unwrap_or_else(|error| {
        let _in_span = span.enter();
        status(&error).into_http()
    });
    let code = code(&response);
    let labels = [
        ("grpc_service", method.service.clone()),
        ("grpc_method", method.name.clone()),
        ("grpc_code", format!("{code:?}")),
    ];
    metrics::counter!("grpc_server_handled_total", &labels).increment(1);
    metrics::histogram!("grpc_server_handling_seconds", &labels[..2])
        .record(began.elapsed().as_secs_f64());
    with_contract_code(response, code)
}

async fn judged<S>(
    rules: &Rules,
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
    let time = deadline::read(request.headers(), rules.call_duration_max);
    // The deadline is kept here; tonic would answer its own code.
    request.headers_mut().remove("grpc-timeout");
    let deadline = Instant::now() + time;
    deadline::scope(deadline, authorize(rules, method, &mut request)).await??;
    let streaming = method.streaming;
    let places = if streaming { &rules.streams } else { &rules.calls };
    let permit = places.clone().try_acquire_owned().map_err(|_| Error::Overloaded)?;

    let handled = async move {
        let response = handlers.oneshot(request).await.unwrap_or_else(|never| match never {});
        // A stream has its time to begin, and then goes on past the deadline.
        if streaming { holding(permit, response) } else { response }
    };
    let handled = deadline::scope(deadline, handled);
    if method.no_side_effects {
        return handled.await;
    }
    let task = tokio::spawn(handled.in_current_span());
    task.await.map_err(Error::internal)?
}

/// A response that holds its place until its end.
fn holding(permit: OwnedSemaphorePermit, response: Response<Body>) -> Response<Body> {
    response.map(|body| {
        Body::new(body.map_frame(move |frame| {
            let _until_the_end = &permit;
            frame
        }))
    })
}

/// Order of judgement: authentication, role; the handler then validates.
async fn authorize(
    rules: &Rules,
    method: &Method,
    request: &mut Request<Body>,
) -> Result<(), Error> {
    match &method.access {
        Access::Public => Ok(()),
        Access::Internal { .. } => {
            let peer = request.extensions().get::<Peer>();
            method.admit_service(peer.and_then(|peer| peer.certificate_name.as_deref()))
        }
        Access::Customer | Access::Admin | Access::Nobody => {
            let claims = rules.verifier.verify(request.headers()).await?;
            method.admit(&claims)?;
            request.extensions_mut().insert(claims);
            Ok(())
        }
    }
}

/// The code that a response begins with; one whose status comes in its trailers has
/// begun well.
fn code(response: &Response<Body>) -> Code {
    let status = response.headers().get("grpc-status");
    status.map_or(Code::Ok, |code| Code::from_bytes(code.as_bytes()))
}

/// Answers that tonic makes by itself, in the contract's terms. What our own code
/// answers carries details and is left as it is.
fn with_contract_code(response: Response<Body>, code: Code) -> Response<Body> {
    const DETAILS: &str = "grpc-status-details-bin";
    if code == Code::Ok || response.headers().contains_key(DETAILS) {
        return response;
    }
    let message = response.headers().get("grpc-message").map(HeaderValue::as_bytes);
    let message = String::from_utf8_lossy(message.unwrap_or_default()).into_owned();
    match code {
        Code::OutOfRange | Code::ResourceExhausted => status(&Error::MessageTooLarge).into_http(),
        Code::Unimplemented => status(&Error::MethodUnknown).into_http(),
        Code::Cancelled => status(&Error::DeadlineExceeded).into_http(),
        // tonic's word for bytes that are no such message.
        Code::Internal | Code::InvalidArgument | Code::Unknown => {
            tracing::debug!(message, "a request could not be read");
            let mut violations = crate::validate::Violations::new();
            violations.add("request", "must be a message of this method");
            status(&Error::Invalid(violations)).into_http()
        }
        _ => response,
    }
}
