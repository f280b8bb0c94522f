//! An HTTP server on a listener: accepts with or without mTLS, bounds what a client may cost, and
//! drains. Knows nothing about the handlers.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use http::{Request, Response};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tower::ServiceExt;

use crate::{
    BoxError,
    config::ServerConfig,
    tls::{Tls, certificate_name},
};

const CONNECTIONS_MAX: usize = 10_000;
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
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
/// Delay after an accept failed because the process has no free file descriptor.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);

/// The bound sockets of a program.
pub struct Listeners {
    /// Accepts requests.
    pub main: TcpListener,
    /// Accepts requests for metrics and health.
    pub admin: TcpListener,
}

impl Listeners {
    /// Binds both addresses.
    ///
    /// # Errors
    /// One line that names the address in use.
    pub async fn bind(config: &ServerConfig) -> Result<Self, BoxError> {
        Ok(Self {
            main: bind("LISTEN_ADDRESS", config.listen_address).await?,
            admin: bind("ADMIN_ADDRESS", config.admin_address).await?,
        })
    }
}

async fn bind(setting: &str, address: SocketAddr) -> Result<TcpListener, BoxError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| format!("{setting}={address}: {error}").into())
}

/// The other end of a connection. An extension of each request.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Address of its end.
    pub address: SocketAddr,
    /// Name in its certificate, if it presented one.
    pub certificate_name: Option<Arc<str>>,
}

/// How a listener accepts and drains.
#[derive(Clone)]
pub struct Transport {
    /// Requires a certificate of the mesh from every client. `None`: plaintext.
    pub tls: Option<Tls>,
    /// Accepts HTTP/1.1 besides HTTP/2.
    pub http1: bool,
    /// How long requests in flight may take to end after the signal.
    pub drain_duration_max: Duration,
}

/// Serves until `shutdown`, then drains: requests in flight end within a bounded time.
pub async fn serve<S>(
    listener: TcpListener,
    transport: Transport,
    service: S,
    shutdown: CancellationToken,
) where
    S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    let drained = CancellationToken::new();
    let builder = Arc::new(http_builder(transport.http1));
    loop {
        let (stream, address) = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::debug!(%error, "accept");
                    sleep(ACCEPT_RETRY_DELAY).await;
                    continue;
                }
            },
        };
        let Ok(permit) = connections.clone().try_acquire_owned() else {
            continue;
        };
        let (tls, builder, service) = (transport.tls.clone(), builder.clone(), service.clone());
        let (watcher, drained) = (graceful.watcher(), drained.clone());
        let shutdown = shutdown.clone();
        tokio::spawn(async move {
            let _permit = permit;
            let completed = tokio::select! {
                completed = complete_handshake(stream, address, tls) => completed,
                () = shutdown.cancelled() => None,
            };
            let Some((stream, peer)) = completed else {
                return;
            };
            let service = service.map_request(move |request: Request<hyper::body::Incoming>| {
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(peer.clone());
                request
            });
            let connection = builder
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
                .into_owned();
            tokio::select! {
                ended = watcher.watch(connection) => if let Err(error) = ended {
                    tracing::debug!(error, "connection ended");
                },
                () = drained.cancelled() => {}
            }
        });
    }
    drop(listener);
    if timeout(transport.drain_duration_max, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests did not end within the drain");
    }
    drained.cancel();
}

fn http_builder(http1: bool) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
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

/// A byte stream over TCP or TLS.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Completes the handshake of an accepted connection; `None` if it fails or takes too long.
async fn complete_handshake(
    stream: TcpStream,
    address: SocketAddr,
    tls: Option<Tls>,
) -> Option<(Box<dyn Stream>, Peer)> {
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else {
        // A silent client never reaches the HTTP server, which would wait for it without a limit.
        let _ = timeout(HEADER_READ_TIMEOUT, stream.peek(&mut [0])).await.ok()?;
        let certificate_name = None;
        let peer = Peer { address, certificate_name };
        return Some((Box::new(stream), peer));
    };
    let acceptor = tokio_rustls::TlsAcceptor::from(tls.server());
    match timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            let certificates = stream.get_ref().1.peer_certificates();
            let name = certificates.and_then(|chain| certificate_name(chain.first()?));
            let certificate_name = name.map(Arc::from);
            Some((Box::new(stream), Peer { address, certificate_name }))
        }
        Ok(Err(error)) => {
            tracing::debug!(%address, %error, "handshake failed");
            None
        }
        Err(_) => None,
    }
}
