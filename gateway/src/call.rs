//! One call from its request headers to its last frame: its span, its deadline, its permit, and the
//! code that it ended with.

use std::{sync::Arc, time::Duration};

use http::HeaderMap;
use mesh::{cut_off, deadline};
use tokio::{sync::OwnedSemaphorePermit, time::Instant};
use tonic::Code;
use tracing::Span;

use crate::routes::Route;

/// The clock of a service may be ahead of ours by this.
const DEADLINE_SKEW: Duration = Duration::from_millis(5);

/// A call in flight. If it is dropped before it ends, the client cancelled it.
pub(crate) struct Call {
    route: Arc<Route>,
    span: Span,
    began: Instant,
    duration_max: Duration,
    code: Option<Code>,
    permit: Option<Permit>,
}

/// The permit of the gateway, and that of the client's address if it has a limit.
pub(crate) type Permit = (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>);

impl Call {
    /// Begins a call of `route` with these request headers.
    pub(crate) fn begin(route: &Arc<Route>, headers: &mut HeaderMap) -> Self {
        Self {
            route: route.clone(),
            span: mesh::call::open_span(&route.method, headers),
            began: Instant::now(),
            duration_max: deadline::read(headers, route.duration_max),
            code: None,
            permit: None,
        }
    }

    pub(crate) fn route(&self) -> &Arc<Route> {
        &self.route
    }

    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.began + self.duration_max
    }

    /// Writes the time left for the service, if the client set a deadline. The gateway enforces its
    /// own limit itself.
    pub(crate) fn write_deadline(&self, headers: &mut HeaderMap) {
        if headers.contains_key("grpc-timeout") {
            deadline::write(headers, self.deadline().saturating_duration_since(Instant::now()));
        }
    }

    /// Returns whether the deadline has passed, or is so near that the service, by its own clock,
    /// may have reported so first.
    pub(crate) fn has_expired(&self) -> bool {
        Instant::now() + DEADLINE_SKEW >= self.deadline()
    }

    /// Releases `permit` when the call ends.
    pub(crate) fn attach_permit(&mut self, permit: Permit) {
        self.permit = Some(permit);
    }

    /// Drops the call some time after its deadline, in case that the client does not read.
    pub(crate) fn limit_reading(&self) {
        cut_off::at(Some(self.deadline() + cut_off::NOTICE));
    }

    /// Ends the call with `code`. Only the first end counts.
    pub(crate) fn end(&mut self, code: Code) {
        if self.code.replace(code).is_none() {
            self.permit = None;
            cut_off::at(None);
            self.span.record("rpc.grpc.status_code", code as i32);
            self.route.metrics.record(code, self.began.elapsed());
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.end(Code::Cancelled);
    }
}
