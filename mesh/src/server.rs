//! Serving HTTP on a listener: accept with or without mTLS, bound what a client may
//! cost, and drain. Knows nothing of what is served.

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
    config::ServerConfig,
    error::BoxError,
    tls::{Tls, certificate_name},
};

const CONNECTIONS_MAX: usize = 10_000;
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// Also how long a connection of HTTP/1.1 may be idle: longer than proxies keep theirs,
/// so that they and not we close it.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(75);
const HEADER_BYTES_MAX: u32 = 32 << 10;
/// Streams on one connection of HTTP/2.
pub(crate) const CONCURRENT_STREAMS_MAX: u32 = 200;
const RESET_STREAMS_MAX: usize = 1024;
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
const WINDOW_BYTES: u32 = 1 << 20;
/// How long to wait after an accept that failed for want of descriptors.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);

/// The sockets of a service, bound before anything else is done.
pub struct Listeners {
    /// For requests.
    pub main: TcpListener,
    /// For metrics and health.
    pub admin: TcpListener,
}

impl Listeners {
    /// Binds both addresses.
    ///
    /// # Errors
    /// One line that names the address that is not free.
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

/// Who is at the other end of a connection; an extension of each request.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Name in its certificate, where it showed one.
    pub certificate_name: Option<Arc<str>>,
}

/// How a listener is served.
#[derive(Clone)]
pub struct Transport {
    /// Every client must show a certificate of the mesh. None: plaintext.
    pub tls: Option<Tls>,
    /// HTTP/1.1 too, not only HTTP/2.
    pub http1: bool,
    /// How long requests under way may take to end after the signal.
    pub drain_duration_max: Duration,
}

/// Serves until `shutdown`, then lets requests under way end, for a bounded time.
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
            let welcomed = tokio::select! {
                welcomed = welcome(stream, address, tls) => welcomed,
                () = shutdown.cancelled() => None,
            };
            let Some((stream, peer)) = welcomed else {
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
        tracing::warn!("requests were cut off at the end of the drain");
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

/// A byte stream, whatever is below it.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Completes a connection that was accepted, or lets it go.
async fn welcome(
    stream: TcpStream,
    address: SocketAddr,
    tls: Option<Tls>,
) -> Option<(Box<dyn Stream>, Peer)> {
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else {
        // Who says nothing does not get as far as the HTTP server, which would wait.
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
