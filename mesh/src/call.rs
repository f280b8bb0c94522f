//! What the gateway and the services do alike for each call: its span, its metrics, its gRPC code,
//! its concurrency limit, and what it keeps until its response ends.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use http::{HeaderMap, Response};
use http_body_util::BodyExt;
use metrics::{Counter, Histogram, counter, histogram};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::{Code, body::Body};
use tracing::{Span, field::Empty, info_span};

use crate::{access::Method, config::ServerConfig, error::Error, telemetry};

const GRPC_STATUS: &str = "grpc-status";
const CODES: usize = 17;

/// Returns whether the headers of a request or response are those of gRPC.
pub fn is_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers.get(http::header::CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// Opens the span of a call, as a child of the trace in `headers` if there is one.
pub fn open_span(method: &Method, headers: &mut HeaderMap) -> Span {
    let span = info_span!(
        "call",
        otel.kind = "server",
        rpc.service = method.service,
        rpc.method = method.name,
        rpc.grpc.status_code = Empty,
    );
    telemetry::continue_trace(&span, headers);
    span
}

/// Returns the gRPC code in headers or trailers.
pub fn status_code(headers: &HeaderMap) -> Option<Code> {
    headers.get(GRPC_STATUS).map(|code| Code::from_bytes(code.as_bytes()))
}

/// Drops `guard`, such as a permit, only when the body of `response` is dropped.
pub fn attach<G: Send + Sync + 'static>(response: Response<Body>, guard: G) -> Response<Body> {
    response.map(|body| {
        Body::new(body.map_frame(move |frame| {
            let _until_the_end = &guard;
            frame
        }))
    })
}

/// The concurrency limits of a program: one for streams of live updates, one for other streams such
/// as exports, one for all other calls. Cheap to clone.
#[derive(Clone)]
pub struct ConcurrencyLimits {
    calls: Arc<Semaphore>,
    live_streams: Arc<Semaphore>,
    other_streams: Arc<Semaphore>,
}

impl ConcurrencyLimits {
    /// Creates the limits of `config`.
    pub fn new(config: &ServerConfig) -> Self {
        Self {
            calls: Arc::new(Semaphore::new(config.calls_max)),
            live_streams: Arc::new(Semaphore::new(config.streams_max)),
            other_streams: Arc::new(Semaphore::new(config.streams_max)),
        }
    }

    /// Returns the permit of a call of `method`.
    ///
    /// # Errors
    /// [`Error::Overloaded`] above the limit: the call is shed.
    pub fn acquire(&self, method: &Method) -> Result<OwnedSemaphorePermit, Error> {
        acquire(if !method.streaming {
            &self.calls
        } else if method.resumable {
            &self.live_streams
        } else {
            &self.other_streams
        })
    }

    /// Returns the permit of a request that is no call of a method.
    ///
    /// # Errors
    /// [`Error::Overloaded`] above the limit.
    pub fn acquire_request(&self) -> Result<OwnedSemaphorePermit, Error> {
        acquire(&self.calls)
    }

    /// Returns the permit of a stream of health or reflection.
    pub(crate) fn acquire_open(&self) -> Result<OwnedSemaphorePermit, Error> {
        acquire(&self.other_streams)
    }
}

/// Returns a permit. Without one the call is shed.
pub(crate) fn acquire(permits: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Error> {
    permits.clone().try_acquire_owned().map_err(|_| Error::Overloaded)
}

/// The count and the durations of the calls of one method. Metric handles are created once, not
/// for each call.
pub struct CallMetrics {
    service: String,
    method: String,
    handled: [OnceLock<Counter>; CODES],
    seconds: OnceLock<Histogram>,
}

impl CallMetrics {
    /// Names the method that the metrics are of.
    pub fn new(service: &str, method: &str) -> Self {
        Self {
            service: service.to_owned(),
            method: method.to_owned(),
            handled: [const { OnceLock::new() }; CODES],
            seconds: OnceLock::new(),
        }
    }

    /// Counts a call that ended with `code` after `duration`.
    pub fn record(&self, code: Code, duration: Duration) {
        let handled = self.handled[code as usize].get_or_init(|| {
            counter!(
                "grpc_server_handled_total",
                "grpc_service" => self.service.clone(),
                "grpc_method" => self.method.clone(),
                "grpc_code" => format!("{code:?}"),
            )
        });
        handled.increment(1);
        let seconds = self.seconds.get_or_init(|| {
            histogram!(
                "grpc_server_handling_seconds",
                "grpc_service" => self.service.clone(),
                "grpc_method" => self.method.clone(),
            )
        });
        seconds.record(duration.as_secs_f64());
    }
}
