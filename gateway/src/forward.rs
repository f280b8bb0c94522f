//! What becomes of a call: it is judged by what the contract says of its method, and
//! forwarded as it is. The early check of its token is a courtesy; the service is the
//! guard.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderMap, Request, Response, StatusCode, header::CONTENT_TYPE};
use mesh::{
    Error,
    access::{Access, Method},
    call::{CallMetrics, is_open},
    error::{ServiceError, status},
    server::Peer,
    telemetry,
};
use tokio::{sync::Semaphore, time::timeout_at};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, body::Body, service::Routes as OwnServices};
use tower::ServiceExt;
use tracing::Instrument;

use crate::{
    answer,
    call::Call,
    checked::{Checked, Fault},
    config::Network,
    headers,
    keys::Keys,
    routes::Routes,
};

/// What calls are judged by.
pub struct Rules {
    /// What is offered.
    pub routes: Arc<Routes>,
    /// Check access tokens.
    pub keys: Keys,
    /// Calls under way at once, but for streams.
    pub calls: Arc<Semaphore>,
    /// Streams open at once.
    pub streams: Arc<Semaphore>,
    /// Largest request message, in bytes.
    pub request_bytes_max: u32,
    /// Proxies whose x-forwarded-for is believed.
    pub trusted_proxies: Vec<Network>,
    /// Cancelled when the gateway takes no more calls: streams that can be resumed end.
    pub drain: CancellationToken,
    /// Cancelled when the gateway waits for answers no longer.
    pub cut_off: CancellationToken,
}

/// Answers calls in gRPC. Cheap to clone.
#[derive(Clone)]
pub struct Forward {
    rules: Arc<Rules>,
    own: OwnServices,
    unknown: Arc<CallMetrics>,
}

impl Forward {
    /// Forwards by `rules`, or has `own` answer: health and reflection.
    pub fn new(rules: Rules, own: OwnServices) -> Self {
        Self {
            rules: Arc::new(rules),
            own,
            unknown: Arc::new(CallMetrics::new("unknown", "unknown")),
        }
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
        if let Some(route) = self.rules.routes.get(path) {
            let call = Call::begin(route, request.headers_mut());
            return Box::pin(answer(self.rules.clone(), call, request));
        }
        if is_open(path) {
            return Box::pin(self.own.clone().oneshot(request));
        }
        self.unknown.record(Code::Unimplemented, Duration::ZERO);
        Box::pin(async { Ok(Status::from(Error::MethodUnknown).into_http()) })
    }
}

async fn answer(
    rules: Arc<Rules>,
    mut call: Call,
    request: Request<Body>,
) -> Result<Response<Body>, Infallible> {
    let fault = Fault::default();
    let span = call.span().clone();
    let deadline = call.deadline();
    let answered = timeout_at(deadline, forward(&rules, &mut call, request, &fault));
    let answered = answered.instrument(span.clone()).await;
    Ok(match answered.unwrap_or(Err(Error::DeadlineExceeded)) {
        Ok(response) => {
            let resumable = call.route().method.resumable;
            let cut_off = if resumable { &rules.drain } else { &rules.cut_off };
            answer::pass(call, response, fault, cut_off.clone())
        }
        Err(error) => {
            let _in_span = span.enter();
            let error = fault.take().unwrap_or(error);
            call.end(error.code());
            status(&error).into_http()
        }
    })
}

async fn forward(
    rules: &Rules,
    call: &mut Call,
    mut request: Request<Body>,
    fault: &Fault,
) -> Result<Response<Body>, Error> {
    let route = call.route().clone();
    if route.cookies {
        headers::check_cookie(&request)?;
    }
    admit(rules, &route.method, request.headers()).await?;
    let places = if route.method.streaming { &rules.streams } else { &rules.calls };
    call.hold(places.clone().try_acquire_owned().map_err(|_| Error::Overloaded)?);

    let peer = request.extensions().get::<Peer>().map(|peer| peer.address.ip());
    headers::to_service(request.headers_mut(), route.cookies, peer, &rules.trusted_proxies);
    telemetry::write_trace(request.headers_mut());
    call.write_deadline(request.headers_mut());
    let request =
        request.map(|body| Body::new(Checked::new(body, rules.request_bytes_max, fault.clone())));

    let forwarded = route.channel.forward(request, route.repeatable()).await;
    let mut response = match forwarded {
        Err(Error::Unavailable { .. }) if call.is_over() => return Err(Error::DeadlineExceeded),
        forwarded => forwarded?,
    };
    headers::to_client(response.headers_mut(), route.cookies);
    check_answer(call, &response)?;
    Ok(response)
}

async fn admit(rules: &Rules, method: &Method, headers: &HeaderMap) -> Result<(), Error> {
    if method.access == Access::Public {
        return Ok(());
    }
    let claims = rules.keys.verify(headers).await?;
    method.admit(&claims)
}

/// Whether what came is an answer in gRPC at all.
fn check_answer(call: &Call, response: &Response<Body>) -> Result<(), Error> {
    let unavailable = |source: String| Error::Unavailable {
        reason: call.route().unavailable_reason,
        source: source.into(),
    };
    if response.status() != StatusCode::OK {
        return Err(unavailable(format!("the service answers {}", response.status())));
    }
    let content_type = response.headers().get(CONTENT_TYPE);
    if !content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc")) {
        return Err(unavailable(format!("the service answers {content_type:?}")));
    }
    let cancelled = mesh::call::status_code(response.headers()) == Some(Code::Cancelled);
    if cancelled && call.is_over() {
        return Err(Error::DeadlineExceeded);
    }
    Ok(())
}
