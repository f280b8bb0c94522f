//! An answer never breaks the client's connection. HTTP/1.1 closes a connection whose
//! answer ends before its request was read, under a client that is still writing: so
//! the rest of the request is read, within bounds, before the answer ends.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body::{Body as _, Frame, SizeHint};
use tokio::time::{Sleep, sleep};
use tonic::{Status, body::Body};
use tower::{Service, ServiceExt};

const REST_BYTES_MAX: usize = 32 << 20;
const REST_DURATION_MAX: Duration = Duration::from_secs(5);

/// Lets `service` answer, and reads what it left of the request.
pub async fn answer<S>(service: S, request: Request<Body>) -> Result<Response<Body>, Infallible>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    if request.version() >= Version::HTTP_2 || request.body().is_end_stream() {
        return service.oneshot(request).await;
    }
    let (head, body) = request.into_parts();
    let shared = Shared(Arc::new(Mutex::new(Rest { body, ended: false })));
    let request = Request::from_parts(head, Body::new(shared.clone()));
    let response = service.oneshot(request).await?;
    if shared.is_end_stream() {
        return Ok(response);
    }
    Ok(response.map(|answer| {
        Body::new(Unbroken { answer, answered: false, rest: shared, read: 0, time: None })
    }))
}

struct Rest {
    body: Body,
    ended: bool,
}

/// A request body that stays behind when the service lets go of it.
#[derive(Clone)]
struct Shared(Arc<Mutex<Rest>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Rest> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl http_body::Body for Shared {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let mut rest = self.lock();
        let frame = ready!(Pin::new(&mut rest.body).poll_frame(cx));
        rest.ended |= !matches!(frame, Some(Ok(_)));
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        let rest = self.lock();
        rest.ended || rest.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.lock().body.size_hint()
    }
}

/// An answer that ends when the request does, too.
struct Unbroken {
    answer: Body,
    answered: bool,
    rest: Shared,
    read: usize,
    time: Option<Pin<Box<Sleep>>>,
}

impl http_body::Body for Unbroken {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if !self.answered {
            match ready!(Pin::new(&mut self.answer).poll_frame(cx)) {
                Some(frame) => return Poll::Ready(Some(frame)),
                None => self.answered = true,
            }
        }
        while !self.rest.is_end_stream() && self.read < REST_BYTES_MAX {
            match Pin::new(&mut self.rest).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => self.read += frame.data_ref().map_or(0, Bytes::len),
                Poll::Ready(_) => break,
                Poll::Pending => {
                    let time = self.time.get_or_insert_with(|| Box::pin(sleep(REST_DURATION_MAX)));
                    ready!(time.as_mut().poll(cx));
                    break;
                }
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        (self.answered || self.answer.is_end_stream()) && self.rest.is_end_stream()
    }
}
