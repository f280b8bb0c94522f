//! One connection of a listener: how hyper serves it, when it closes, and the tasks of its streams.

use std::{
    convert::Infallible,
    future::pending,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{Request, Response};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tower::ServiceExt;

use super::{addresses::ClientLimits, unsent};
use crate::cut_off;

/// A byte stream over TCP or TLS.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Also the idle timeout of an HTTP/1.1 connection: longer than that of common proxies, so that the
/// proxy closes it and never sends a request into a closing connection.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(75);
const HEADER_BYTES_MAX: u32 = 32 << 10;
/// Concurrent streams per HTTP/2 connection.
pub(crate) const CONCURRENT_STREAMS_MAX: u32 = 200;
const RESET_STREAMS_MAX: usize = 1024;
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
const WINDOW_BYTES: u32 = 1 << 20;

/// When a connection closes.
pub(super) struct Closing {
    /// It accepts no further request, and closes with its last response.
    pub(super) shutdown: CancellationToken,
    /// It closes at once.
    pub(super) drained: CancellationToken,
    /// Closes a connection without requests.
    pub(super) limits: Option<ClientLimits>,
}

/// Serves one connection until it ends.
pub(super) async fn serve_connection<S>(
    stream: Box<dyn Stream>,
    http1: bool,
    closing: Closing,
    service: S,
) where
    S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let activity = Activity::default();
    let requests = activity.requests.clone();
    let service = service.map_request(move |request: Request<hyper::body::Incoming>| {
        requests.fetch_add(1, Ordering::Relaxed);
        // Over HTTP/1.1 the time of the request before.
        cut_off::at(None);
        request.map(Body::new)
    });
    let service = service.map_response(|response: Response<Body>| response.map(unsent::track));
    let builder = http_builder(activity.clone(), http1);
    let connection =
        builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let connection = cut_off::scope(async move {
        let mut connection = pin!(connection);
        let mut closed = pin!(async {
            tokio::select! {
                () = closing.shutdown.cancelled() => {}
                () = activity.until_idle(closing.limits.as_ref()) => {}
            }
        });
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = closed.as_mut() => {}
        }
        connection.as_mut().graceful_shutdown();
        connection.await
    });
    tokio::select! {
        ended = connection => if let Some(Err(error)) = ended {
            tracing::debug!(error, "connection ended");
        },
        () = closing.drained.cancelled() => {}
    }
}

fn http_builder(streams: Activity, http1: bool) -> auto::Builder<Activity> {
    let mut builder = auto::Builder::new(streams);
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_READ_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(CONCURRENT_STREAMS_MAX)
        .max_header_list_size(HEADER_BYTES_MAX)
        .max_local_error_reset_streams(RESET_STREAMS_MAX)
        .keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES * 4);
    if http1 { builder } else { builder.http2_only() }
}

/// What happens on a connection. Also the executor of hyper, which runs each HTTP/2 stream in a task.
#[derive(Clone, Default)]
struct Activity {
    /// Requests so far.
    requests: Arc<AtomicUsize>,
    /// HTTP/2 streams that are open.
    streams: Arc<AtomicUsize>,
}

impl Activity {
    /// Waits until the connection has no request for longer than `limits` allow: none at all after
    /// it was opened, or none in flight later on. A busy connection of HTTP/1.1 that is asked to
    /// close ends its response first, so only streams of HTTP/2 count.
    async fn until_idle(&self, limits: Option<&ClientLimits>) {
        let Some(limits) = limits else { return pending().await };
        sleep(limits.first_request_duration_max).await;
        let mut requests = 0;
        loop {
            let before = std::mem::replace(&mut requests, self.requests.load(Ordering::Relaxed));
            if requests == before && self.streams.load(Ordering::Relaxed) == 0 {
                return;
            }
            sleep(limits.idle_duration_max).await;
        }
    }
}

impl<F> hyper::rt::Executor<F> for Activity
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, stream: F) {
        self.streams.fetch_add(1, Ordering::Relaxed);
        let open = OpenStream(self.streams.clone());
        tokio::spawn(async move {
            let _open = open;
            cut_off::scope(stream).await
        });
    }
}

/// Counts a stream until it ends.
struct OpenStream(Arc<AtomicUsize>);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
