//! A service's answer on its way to the client. However it ends, the client gets a
//! status: what breaks off, or takes too long, ends in trailers of the gateway's own.

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

use crate::{call::Call, checked::Fault};

/// Ends `call` with what the service answers, or what happens meanwhile. At `cut_off`
/// a stream that can be resumed ends well, and any other is broken off.
pub fn pass(
    mut call: Call,
    response: Response<Body>,
    fault: Fault,
    cut_off: CancellationToken,
) -> Response<Body> {
    let in_head = status_code(response.headers());
    if let Some(code) = in_head
        && response.body().is_end_stream()
    {
        call.end(code);
        return response;
    }
    let (over, ended) = (None, false);
    response.map(|body| Body::new(Answer { body, call, fault, in_head, cut_off, over, ended }))
}

struct Answer {
    body: Body,
    call: Call,
    fault: Fault,
    /// The status, where it came before the body.
    in_head: Option<Code>,
    cut_off: CancellationToken,
    /// Why nobody waits any longer. Made when the service first makes us wait.
    over: Option<Pin<Box<dyn Future<Output = Status> + Send>>>,
    ended: bool,
}

type Polled = Poll<Option<Result<Frame<Bytes>, Status>>>;

impl Answer {
    /// Ends the answer with a status of the gateway's own.
    fn end(&mut self, status: &Status) -> Polled {
        // Lets go of the service's stream at once.
        self.body = Body::empty();
        self.ended = true;
        self.call.end(status.code());
        let mut trailers = HeaderMap::new();
        // A status that does not fit into headers leaves none: the client says so.
        let _ = status.add_header(&mut trailers);
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn break_off(&mut self, error: &Error) -> Polled {
        let status = self.call.span().in_scope(|| status(error));
        self.end(&status)
    }

    fn over(&self) -> impl Future<Output = Status> + Send + use<> {
        let (deadline, cut_off) = (self.call.deadline(), self.cut_off.clone());
        let resumable = self.call.route().method.resumable;
        let (cut, span) = (self.unavailable("the gateway ends"), self.call.span().clone());
        async move {
            let error = tokio::select! {
                () = sleep_until(deadline) => Error::DeadlineExceeded,
                () = cut_off.cancelled() => match resumable {
                    true => return Status::ok(""),
                    false => cut,
                },
            };
            span.in_scope(|| status(&error))
        }
    }

    fn unavailable(&self, cause: &'static str) -> Error {
        Error::Unavailable { reason: self.call.route().unavailable_reason, source: cause.into() }
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        if self.ended {
            return Poll::Ready(None);
        }
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(trailers) = frame.trailers_ref() {
                    self.ended = true;
                    let code = status_code(trailers).unwrap_or(Code::Unknown);
                    self.call.end(code);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(None) if self.in_head.is_some() => {
                self.ended = true;
                let code = self.in_head.unwrap_or(Code::Unknown);
                self.call.end(code);
                Poll::Ready(None)
            }
            Poll::Ready(None) => {
                let error = self.unavailable("an answer ended without a status");
                self.break_off(&error)
            }
            Poll::Ready(Some(Err(error))) => {
                tracing::debug!(%error, "an answer broke off");
                let error = match self.fault.take() {
                    Some(error) => error,
                    None if self.call.is_over() => Error::DeadlineExceeded,
                    None => self.unavailable("an answer broke off"),
                };
                self.break_off(&error)
            }
            Poll::Pending => {
                if self.over.is_none() {
                    self.over = Some(Box::pin(self.over()));
                }
                match self.over.as_mut().map(|over| over.as_mut().poll(cx)) {
                    Some(Poll::Ready(status)) => self.end(&status),
                    _ => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }
}
