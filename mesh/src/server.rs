//! An HTTP server on a listener: accepts with or without mTLS, bounds what a client may cost, and
//! drains. Knows nothing about the handlers.

mod addresses;
mod connection;
mod unsent;

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use http::{Request, Response};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::body::Body;
use tower::ServiceExt;

pub use self::addresses::ClientLimits;
pub(crate) use self::connection::CONCURRENT_STREAMS_MAX;
use self::{
    addresses::{AddressPermit, Addresses},
    connection::{Closing, Stream, serve_connection},
};
use crate::{
    BoxError, call,
    config::ServerConfig,
    error::Error,
    tls::{Tls, certificate_name},
};

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
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
    /// The calls that its address may have in flight, on all its connections. `None`: no limit.
    pub calls: Option<Arc<Semaphore>>,
}

impl Peer {
    /// Returns the permit of one more call of the address that a request with these `extensions`
    /// comes from; `None` if the address has no limit.
    ///
    /// # Errors
    /// [`Error::Overloaded`] above the limit.
    pub fn acquire_call(
        extensions: &http::Extensions,
    ) -> Result<Option<OwnedSemaphorePermit>, Error> {
        let calls = extensions.get::<Self>().and_then(|peer| peer.calls.as_ref());
        calls.map(call::acquire).transpose()
    }
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
    /// Most open connections.
    pub connections_max: usize,
    /// Bounds the clients of a public listener. `None`: clients are services of the mesh.
    pub clients: Option<ClientLimits>,
}

impl Transport {
    /// Creates the transport of a listener for services of the mesh.
    pub fn internal(
        tls: Option<Tls>,
        connections_max: usize,
        drain_duration_max: Duration,
    ) -> Self {
        Self { tls, http1: false, drain_duration_max, connections_max, clients: None }
    }
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
    let admission = Admission::new(&transport);
    let connections = TaskTracker::new();
    let drained = CancellationToken::new();
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
        let Some(permit) = admission.admit(address.ip()) else {
            continue;
        };
        let (tls, http1, service) = (transport.tls.clone(), transport.http1, service.clone());
        let closing = Closing {
            shutdown: shutdown.clone(),
            drained: drained.clone(),
            limits: transport.clients.clone(),
        };
        connections.spawn(async move {
            let completed = tokio::select! {
                completed = complete_handshake(stream, tls) => completed,
                () = closing.shutdown.cancelled() => None,
            };
            let Some((stream, certificate_name)) = completed else {
                return;
            };
            let calls = permit.1.as_ref().map(|permit| permit.calls.clone());
            let peer = Peer { address, certificate_name, calls };
            let service = service.map_request(move |mut request: Request<Body>| {
                request.extensions_mut().insert(peer.clone());
                request
            });
            serve_connection(stream, http1, closing, service).await;
            drop(permit);
        });
    }
    drop(listener);
    connections.close();
    if timeout(transport.drain_duration_max, connections.wait()).await.is_err() {
        tracing::warn!("requests did not end within the drain");
    }
    drained.cancel();
}

/// Decides which connections are served.
struct Admission {
    all: Arc<Semaphore>,
    clients: Option<(ClientLimits, Arc<Addresses>)>,
}

/// The right to one connection: of the listener, and of its address if that has a limit.
type ConnectionPermit = (OwnedSemaphorePermit, Option<AddressPermit>);

impl Admission {
    fn new(transport: &Transport) -> Self {
        let addresses = |limits: &ClientLimits| {
            Arc::new(Addresses::new(limits.connections_max, limits.calls_max))
        };
        Self {
            all: Arc::new(Semaphore::new(transport.connections_max)),
            clients: transport.clients.as_ref().map(|limits| (limits.clone(), addresses(limits))),
        }
    }

    /// Returns the permit of a connection from `address`; `None` above a limit.
    fn admit(&self, address: IpAddr) -> Option<ConnectionPermit> {
        let permit = self.all.clone().try_acquire_owned().ok()?;
        match &self.clients {
            Some((limits, addresses)) if !(limits.is_proxy)(address) => {
                Some((permit, Some(addresses.acquire(address)?)))
            }
            _ => Some((permit, None)),
        }
    }
}

/// Completes the handshake of an accepted connection, and returns the name in its certificate;
/// `None` if it fails or takes too long.
async fn complete_handshake(
    stream: TcpStream,
    tls: Option<Tls>,
) -> Option<(Box<dyn Stream>, Option<Arc<str>>)> {
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else {
        return Some((Box::new(stream), None));
    };
    let acceptor = tokio_rustls::TlsAcceptor::from(tls.server());
    match timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            let certificates = stream.get_ref().1.peer_certificates();
            let name = certificates.and_then(|chain| certificate_name(chain.first()?));
            Some((Box::new(stream), name.map(Arc::from)))
        }
        Ok(Err(error)) => {
            tracing::debug!(%error, "handshake failed");
            None
        }
        Err(_) => None,
    }
}
