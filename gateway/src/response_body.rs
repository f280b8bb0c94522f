//! The response body of a service on its way to the client. However it ends, the client gets a
//! status: a body that breaks off or takes too long ends in trailers of the gateway's own.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body::{Body as _, Frame};
use mesh::{Error, call::status_code, error::status};
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, body::Body};

use crate::{call::Call, request_fault::Fault};

/// Ends `call` with the status of `response`, or with what interrupts it. Once `cut_off` is
/// cancelled, a resumable stream ends with OK and any other with UNAVAILABLE.
pub(crate) fn track(
    mut call: Call,
    response: Response<Body>,
    fault: Fault,
    cut_off: CancellationToken,
) -> Response<Body> {
    let header_code = status_code(response.headers());
    if let Some(code) = header_code
        && response.body().is_end_stream()
    {
        call.end(code);
        return response;
    }
    call.limit_reading();
    response.map(|body| {
        let (interruption, has_ended) = (None, false);
        Body::new(ResponseBody { body, call, fault, header_code, cut_off, interruption, has_ended })
    })
}

struct ResponseBody {
    body: Body,
    call: Call,
    fault: Fault,
    /// The status, if it came in the headers, before the body.
    header_code: Option<Code>,
    cut_off: CancellationToken,
    /// Ends the body while the service is silent. Created when the service is first silent.
    interruption: Option<Pin<Box<dyn Future<Output = Status> + Send>>>,
    has_ended: bool,
}

type PolledFrame = Poll<Option<Result<Frame<Bytes>, Status>>>;

impl ResponseBody {
    /// Ends the body with a status of the gateway's own.
    fn end_with(&mut self, status: &Status) -> PolledFrame {
        // Releases the stream of the service at once.
        self.body = Body::empty();
        self.end(status.code());
        let mut trailers = HeaderMap::new();
        // If the status does not fit into headers, the client reports that it is missing.
        let _ = status.add_header(&mut trailers);
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn end(&mut self, code: Code) {
        self.has_ended = true;
        self.call.end(code);
    }

    fn fail(&mut self, error: &Error) -> PolledFrame {
        let status = self.call.span().in_scope(|| status(error));
        self.end_with(&status)
    }

    /// Waits for the deadline or the end of the drain, whichever comes first.
    fn interruption(&self) -> impl Future<Output = Status> + Send + use<> {
        let (deadline, cut_off) = (self.call.deadline(), self.cut_off.clone());
        let resumable = self.call.route().method.resumable;
        let (draining, span) = (self.unavailable("the gateway drains"), self.call.span().clone());
        async move {
            let error = tokio::select! {
                () = sleep_until(deadline) => Error::DeadlineExceeded,
                () = cut_off.cancelled() => {
                    if resumable {
                        return Status::ok("");
                    }
                    draining
                }
            };
            span.in_scope(|| status(&error))
        }
    }

    fn unavailable(&self, cause: &'static str) -> Error {
        Error::Unavailable { reason: self.call.route().unavailable_reason, source: cause.into() }
    }
}

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> PolledFrame {
        if self.has_ended {
            return Poll::Ready(None);
        }
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(trailers) = frame.trailers_ref() {
                    self.end(status_code(trailers).unwrap_or(Code::Unknown));
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(None) => {
                if let Some(code) = self.header_code {
                    self.end(code);
                    return Poll::Ready(None);
                }
                let error = self.unavailable("a response ended without a status");
                self.fail(&error)
            }
            Poll::Ready(Some(Err(error))) => {
                tracing::debug!(%error, "a response broke off");
                if let Some(status) = self.fault.take() {
                    return self.end_with(&status);
                }
                let error = if self.call.has_expired() {
                    Error::DeadlineExceeded
                } else {
                    self.unavailable("a response broke off")
                };
                self.fail(&error)
            }
            Poll::Pending => {
                if self.interruption.is_none() {
                    self.interruption = Some(Box::pin(self.interruption()));
                }
                match self.interruption.as_mut().map(|future| future.as_mut().poll(cx)) {
                    Some(Poll::Ready(status)) => self.end_with(&status),
                    _ => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.has_ended
    }
}
