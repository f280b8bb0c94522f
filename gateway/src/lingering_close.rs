//! Lingering close for HTTP/1.1. hyper closes a connection whose response ends before its request
//! was read, which resets it for a client that is still writing. So the rest of the request is
//! read, within bounds, before the response ends.

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

const UNREAD_BYTES_MAX: usize = 32 << 20;
const LINGER_DURATION_MAX: Duration = Duration::from_secs(5);

/// Calls `service` and reads what it leaves unread of the request.
pub(crate) async fn call<S>(
    service: S,
    request: Request<Body>,
) -> Result<Response<Body>, Infallible>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    if request.version() >= Version::HTTP_2 || request.body().is_end_stream() {
        return service.oneshot(request).await;
    }
    let (head, body) = request.into_parts();
    let shared = SharedBody(Arc::new(Mutex::new(RequestBody { body, has_ended: false })));
    let request = Request::from_parts(head, Body::new(shared.clone()));
    let response = service.oneshot(request).await?;
    if shared.is_end_stream() {
        return Ok(response);
    }
    Ok(response.map(|response| {
        Body::new(LingeringBody {
            response,
            response_has_ended: false,
            request: shared,
            unread_bytes: 0,
            time: None,
        })
    }))
}

struct RequestBody {
    body: Body,
    has_ended: bool,
}

/// A request body that outlives the service that drops it.
#[derive(Clone)]
struct SharedBody(Arc<Mutex<RequestBody>>);

impl SharedBody {
    fn lock(&self) -> MutexGuard<'_, RequestBody> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl http_body::Body for SharedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let mut request = self.lock();
        let frame = ready!(Pin::new(&mut request.body).poll_frame(cx));
        request.has_ended |= !matches!(frame, Some(Ok(_)));
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        let request = self.lock();
        request.has_ended || request.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.lock().body.size_hint()
    }
}

/// A response body that ends only after the request body has ended too.
struct LingeringBody {
    response: Body,
    response_has_ended: bool,
    request: SharedBody,
    unread_bytes: usize,
    time: Option<Pin<Box<Sleep>>>,
}

impl http_body::Body for LingeringBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if !self.response_has_ended {
            match ready!(Pin::new(&mut self.response).poll_frame(cx)) {
                Some(frame) => return Poll::Ready(Some(frame)),
                None => self.response_has_ended = true,
            }
        }
        while !self.request.is_end_stream() && self.unread_bytes < UNREAD_BYTES_MAX {
            match Pin::new(&mut self.request).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    self.unread_bytes += frame.data_ref().map_or(0, Bytes::len);
                }
                Poll::Ready(_) => break,
                Poll::Pending => {
                    let time =
                        self.time.get_or_insert_with(|| Box::pin(sleep(LINGER_DURATION_MAX)));
                    ready!(time.as_mut().poll(cx));
                    break;
                }
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        (self.response_has_ended || self.response.is_end_stream()) && self.request.is_end_stream()
    }
}
