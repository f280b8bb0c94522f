//! One call as the gateway sees it, from its head to its last frame: its span, its
//! deadline, its place among the calls under way, and how it ended.

use std::{sync::Arc, time::Duration};

use http::HeaderMap;
use mesh::deadline;
use tokio::{sync::OwnedSemaphorePermit, time::Instant};
use tonic::Code;
use tracing::Span;

use crate::routes::Route;

/// By so much a service's clockwork may be ahead of ours.
const DEADLINE_SKEW: Duration = Duration::from_millis(5);

/// A call under way. Dropped before its end, it was cancelled by the client.
pub struct Call {
    route: Arc<Route>,
    span: Span,
    began: Instant,
    duration_max: Duration,
    code: Option<Code>,
    /// Given back at the end.
    permit: Option<OwnedSemaphorePermit>,
}

impl Call {
    /// A call of `route` with these `headers` begins.
    pub fn begin(route: &Arc<Route>, headers: &mut HeaderMap) -> Self {
        Self {
            route: route.clone(),
            span: mesh::call::open_span(&route.method, headers),
            began: Instant::now(),
            duration_max: deadline::read(headers, route.duration_max),
            code: None,
            permit: None,
        }
    }

    /// What is called.
    pub fn route(&self) -> &Arc<Route> {
        &self.route
    }

    /// In which it happens.
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// When it must have ended.
    pub fn deadline(&self) -> Instant {
        self.began + self.duration_max
    }

    /// Tells the next hop how long it has, where the client told us. Our own limit is
    /// kept here.
    pub fn write_deadline(&self, headers: &mut HeaderMap) {
        if headers.contains_key("grpc-timeout") {
            deadline::write(headers, self.deadline().saturating_duration_since(Instant::now()));
        }
    }

    /// Whether the time is over, or so nearly that the service, which counts for
    /// itself, may have found so first.
    pub fn is_over(&self) -> bool {
        Instant::now() + DEADLINE_SKEW >= self.deadline()
    }

    /// Holds its place among the calls under way.
    pub fn hold(&mut self, permit: OwnedSemaphorePermit) {
        self.permit = Some(permit);
    }

    /// It has ended with `code`. Only the first end counts.
    pub fn end(&mut self, code: Code) {
        if self.code.replace(code).is_none() {
            self.permit = None;
            self.span.record("rpc.grpc.status_code", code as i32);
            self.route.metrics.record(code, self.began.elapsed());
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.code.is_none() {
            self.end(Code::Cancelled);
        }
    }
}
