//! Calls to another service: HTTP/2 with mTLS to every address that its name resolves
//! to, spread by load, without a sidecar. A dead address is left within seconds, a
//! new one taken in; what was surely not sent is sent elsewhere, and an idempotent
//! call is tried again within a budget.

use std::{
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use arc_swap::{ArcSwap, ArcSwapOption};
use bytes::Bytes;
use http::{Request, Response, Uri, uri::Authority, uri::Scheme};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::ServerName;
use tokio::{
    net::{TcpStream, lookup_host},
    sync::Notify,
    time::{Instant, sleep, timeout},
};
use tonic::{Status, body::Body};
use tower::retry::budget::{Budget, TpsBudget};

use crate::{
    access::Methods,
    deadline,
    error::{BoxError, Error},
    telemetry,
    tls::{Tls, io_error},
};

const RESOLVE_INTERVAL: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const RECONNECT_DELAY_MIN: Duration = Duration::from_millis(50);
const RECONNECT_DELAY_MAX: Duration = Duration::from_secs(1);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a call waits for the first connection.
const READY_WAIT_MAX: Duration = Duration::from_secs(2);
const CALL_DURATION_MAX: Duration = Duration::from_secs(60);
const ATTEMPTS_MAX: u32 = 3;
/// So often a connection may turn out to be closed before it took the request.
const SENDINGS_MAX: u32 = 4;
const RETRY_DELAY: Duration = Duration::from_millis(25);
/// Largest body that is kept for another try.
const RETRY_BYTES_MAX: usize = 17 << 20;
/// So many failures in a row eject an address for [`EJECTION_DURATION`].
const EJECTION_FAILURES: usize = 5;
const EJECTION_DURATION: Duration = Duration::from_secs(5);
const WINDOW_BYTES: u32 = 1 << 20;

/// Where calls go and what is known of them.
#[derive(Clone)]
pub struct Target {
    /// `https://host:port` (mTLS) or `http://host:port` (plaintext HTTP/2).
    pub url: Uri,
    /// `reason` of the error when it is not there, such as `USER_SVC_UNAVAILABLE`.
    pub unavailable_reason: &'static str,
    /// The caller's certificate; needed for `https`.
    pub tls: Option<Tls>,
    /// Which methods may be repeated.
    pub methods: Arc<Methods>,
}

/// A balanced channel to one service. Cheap to clone.
#[derive(Clone)]
pub struct Channel(Arc<Inner>);

struct Inner {
    target: Target,
    scheme: Scheme,
    authority: Authority,
    endpoints: ArcSwap<Vec<Arc<Endpoint>>>,
    turn: AtomicUsize,
    /// An endpoint has become ready.
    ready: Notify,
    /// Addresses should be looked up now.
    resolve: Notify,
    budget: TpsBudget,
}

/// One address of the service, and the connection to it if there is one.
struct Endpoint {
    address: SocketAddr,
    sender: ArcSwapOption<SendRequest<Body>>,
    in_flight: AtomicUsize,
    failures: AtomicUsize,
    ejected_until: Mutex<Option<Instant>>,
    retired: AtomicBool,
    retire: Notify,
}

impl Channel {
    /// A channel that connects in the background and for as long as it lives.
    ///
    /// # Errors
    /// A URL that names no host, or `https` without certificates.
    pub fn connect(target: Target) -> Result<Self, BoxError> {
        let channel = Self::unresolved(target)?;
        tokio::spawn(keep_resolved(Arc::downgrade(&channel.0)));
        Ok(channel)
    }

    fn unresolved(target: Target) -> Result<Self, BoxError> {
        let authority = target.url.authority().cloned();
        let authority = authority.ok_or_else(|| format!("{} names no host", target.url))?;
        let scheme = target.url.scheme().cloned().unwrap_or(Scheme::HTTP);
        if scheme == Scheme::HTTPS && target.tls.is_none() {
            return Err(format!("{} needs certificates", target.url).into());
        }
        Ok(Self(Arc::new(Inner {
            target,
            scheme,
            authority,
            endpoints: ArcSwap::default(),
            turn: AtomicUsize::new(0),
            ready: Notify::new(),
            resolve: Notify::new(),
            budget: TpsBudget::new(Duration::from_secs(10), 10, 0.2),
        })))
    }

    /// Reads a small document beside the service's gRPC.
    ///
    /// # Errors
    /// [`Error::Unavailable`], also for any answer but 200.
    pub async fn get(&self, url: &Uri) -> Result<Bytes, Error> {
        let path = url.path_and_query().map_or("/", |path| path.as_str());
        let request = Request::get(path).body(Body::empty()).map_err(Error::internal)?;
        let response = self.send(request, true).await?;
        if response.status() != http::StatusCode::OK {
            return Err(self.unavailable(format!("{path} answers {}", response.status())));
        }
        let body = Limited::new(response.into_body(), RETRY_BYTES_MAX);
        let body = body.collect().await.map_err(|error| self.unavailable(error))?;
        Ok(body.to_bytes())
    }

    /// Sends a request as part of the call that this runs in: with what is left of its
    /// time, and in its trace. As [`Self::forward`] otherwise.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::DeadlineExceeded`]; what the service itself
    /// answers, errors too, is a response.
    pub async fn send(
        &self,
        mut request: Request<Body>,
        idempotent: bool,
    ) -> Result<Response<Body>, Error> {
        telemetry::write_trace(request.headers_mut());
        let time = deadline::current().map_or(CALL_DURATION_MAX, |deadline| {
            deadline.saturating_duration_since(Instant::now())
        });
        deadline::write(request.headers_mut(), time);
        let sent = self.forward(request, idempotent);
        timeout(time, sent).await.map_err(|_| Error::DeadlineExceeded)?
    }

    /// Sends a request as it is to one of the addresses; time and trace are its
    /// sender's. An `idempotent` one is kept in memory and tried again where its
    /// outcome is not known or the service is unavailable.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn forward(
        &self,
        mut request: Request<Body>,
        idempotent: bool,
    ) -> Result<Response<Body>, Error> {
        self.0.readdress(&mut request)?;
        if idempotent {
            self.send_repeatedly(request).await
        } else {
            self.send_once(request).await.map_err(|failure| self.unavailable(failure))
        }
    }

    async fn send_repeatedly(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let (head, body) = request.into_parts();
        let body = Limited::new(body, RETRY_BYTES_MAX).collect().await;
        let body = body.map_err(|_| Error::MessageTooLarge)?.to_bytes();
        self.0.budget.deposit();
        let mut attempt = 1;
        loop {
            let request = Request::from_parts(head.clone(), Body::new(Full::new(body.clone())));
            let result = self.send_once(request).await;
            let may_pass = match &result {
                Ok(response) => is_unavailable(response),
                Err(failure) => matches!(failure, Failure::Broken(_)),
            };
            if !may_pass || attempt == ATTEMPTS_MAX || !self.0.budget.withdraw() {
                return result.map_err(|failure| self.unavailable(failure));
            }
            sleep(RETRY_DELAY * attempt).await;
            attempt += 1;
        }
    }

    /// One attempt: what surely was not sent is sent elsewhere, the rest is over.
    async fn send_once(&self, mut request: Request<Body>) -> Result<Response<Body>, Failure> {
        for _ in 0..SENDINGS_MAX {
            let (endpoint, mut sender) = self.0.pick().await?;
            let _counted = InFlight::count(&endpoint);
            match sender.try_send_request(request).await {
                Ok(response) => {
                    endpoint.judge(!is_unavailable(&response));
                    return Ok(response.map(Body::new));
                }
                Err(mut error) => match error.take_message() {
                    Some(unsent) => {
                        endpoint.disconnect(&sender);
                        request = unsent;
                    }
                    None => {
                        endpoint.judge(false);
                        return Err(Failure::Broken(error.into_error()));
                    }
                },
            }
        }
        Err(Failure::Unreachable(self.0.authority.clone()))
    }

    pub(crate) fn unavailable(&self, source: impl Into<BoxError>) -> Error {
        Error::Unavailable { reason: self.0.target.unavailable_reason, source: source.into() }
    }
}

/// Why an attempt brought no response.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// No address has taken a connection for [`READY_WAIT_MAX`]; nothing was sent.
    #[error("no connection to {0}")]
    Unreachable(Authority),
    /// The connection broke, or the service broke off the call.
    #[error("the call broke off")]
    Broken(#[source] hyper::Error),
}

/// Whether a service answers, before any message, that it cannot do its work.
fn is_unavailable<B>(response: &Response<B>) -> bool {
    let status = response.headers().get("grpc-status");
    status.is_some_and(|code| code.as_bytes() == b"14")
}

impl Inner {
    fn readdress(&self, request: &mut Request<Body>) -> Result<(), Error> {
        let mut parts = request.uri().clone().into_parts();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        *request.uri_mut() = Uri::from_parts(parts).map_err(Error::internal)?;
        *request.version_mut() = http::Version::HTTP_2;
        Ok(())
    }

    /// The least busy address that has a connection, waiting for one if none has.
    async fn pick(&self) -> Result<(Arc<Endpoint>, SendRequest<Body>), Failure> {
        let waited = timeout(READY_WAIT_MAX, async {
            loop {
                let ready = self.ready.notified();
                if let Some(picked) = self.pick_ready() {
                    return picked;
                }
                ready.await;
            }
        });
        waited.await.map_err(|_| Failure::Unreachable(self.authority.clone()))
    }

    fn pick_ready(&self) -> Option<(Arc<Endpoint>, SendRequest<Body>)> {
        let endpoints = self.endpoints.load();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let in_turn = (0..endpoints.len()).map(|i| &endpoints[(turn + i) % endpoints.len()]);
        in_turn
            .filter_map(|endpoint| {
                let sender = endpoint.sender.load_full()?;
                (!sender.is_closed()).then_some((endpoint, sender))
            })
            .min_by_key(|(endpoint, _)| {
                (endpoint.is_ejected(), endpoint.in_flight.load(Ordering::Relaxed))
            })
            .map(|(endpoint, sender)| (endpoint.clone(), SendRequest::clone(&sender)))
    }

    /// Takes in new addresses and lets go of those that are gone.
    fn reconcile(self: &Arc<Self>, addresses: &[SocketAddr]) {
        let current = self.endpoints.load();
        let (mut kept, gone): (Vec<_>, Vec<_>) =
            current.iter().cloned().partition(|endpoint| addresses.contains(&endpoint.address));
        for &address in addresses {
            if !kept.iter().any(|endpoint| endpoint.address == address) {
                let endpoint = Arc::new(Endpoint::new(address));
                tokio::spawn(keep_connected(Arc::downgrade(self), endpoint.clone()));
                kept.push(endpoint);
            }
        }
        self.endpoints.store(Arc::new(kept));
        gone.iter().for_each(|endpoint| endpoint.retire());
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.endpoints.load().iter().for_each(|endpoint| endpoint.retire());
    }
}

impl Endpoint {
    fn new(address: SocketAddr) -> Self {
        Self {
            address,
            sender: ArcSwapOption::empty(),
            in_flight: AtomicUsize::new(0),
            failures: AtomicUsize::new(0),
            ejected_until: Mutex::new(None),
            retired: AtomicBool::new(false),
            retire: Notify::new(),
        }
    }

    fn is_ejected(&self) -> bool {
        self.failures.load(Ordering::Relaxed) >= EJECTION_FAILURES && {
            let until = self.ejected_until.lock().unwrap_or_else(PoisonError::into_inner);
            until.is_some_and(|until| Instant::now() < until)
        }
    }

    fn judge(&self, good: bool) {
        if good {
            self.failures.store(0, Ordering::Relaxed);
        } else if self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= EJECTION_FAILURES {
            let mut until = self.ejected_until.lock().unwrap_or_else(PoisonError::into_inner);
            *until = Some(Instant::now() + EJECTION_DURATION);
        }
    }

    /// Stops using a connection that takes no more requests.
    fn disconnect(&self, sender: &SendRequest<Body>) {
        if sender.is_closed() {
            self.sender.store(None);
        }
    }

    /// Lets requests under way end and makes no new connection.
    fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
        self.sender.store(None);
        self.retire.notify_one();
    }
}

/// Counts a request under way for as long as it lives.
struct InFlight(Arc<Endpoint>);

impl InFlight {
    fn count(endpoint: &Arc<Endpoint>) -> Self {
        endpoint.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(endpoint.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn keep_resolved(inner: Weak<Inner>) {
    loop {
        let Some(channel) = inner.upgrade() else {
            return;
        };
        let host = channel.authority.host().trim_matches(['[', ']']).to_owned();
        let standard_port = if channel.scheme == Scheme::HTTPS { 443 } else { 80 };
        let port = channel.authority.port_u16().unwrap_or(standard_port);
        match lookup_host((host.as_str(), port)).await {
            Ok(addresses) => {
                let mut addresses: Vec<_> = addresses.collect();
                addresses.sort();
                addresses.dedup();
                channel.reconcile(&addresses);
            }
            // What was known stays in force: a name server that is down takes
            // nothing away.
            Err(error) => tracing::debug!(%host, %error, "name not resolved"),
        }
        let asked = channel.resolve.notified();
        tokio::pin!(asked);
        let _ = timeout(RESOLVE_INTERVAL, &mut asked).await;
    }
}

async fn keep_connected(inner: Weak<Inner>, endpoint: Arc<Endpoint>) {
    let mut delay = RECONNECT_DELAY_MIN;
    while !endpoint.retired.load(Ordering::Relaxed) {
        let Some(channel) = inner.upgrade() else {
            return;
        };
        let connected = timeout(CONNECT_TIMEOUT, channel.open(endpoint.address)).await;
        let connected = connected.map_err(|_| io_error("timed out")).and_then(|r| r);
        match connected {
            Ok((sender, connection)) => {
                let began = Instant::now();
                endpoint.failures.store(0, Ordering::Relaxed);
                endpoint.sender.store(Some(Arc::new(sender)));
                channel.ready.notify_waiters();
                drop(channel);
                tokio::pin!(connection);
                tokio::select! {
                    () = &mut connection => {}
                    () = endpoint.retire.notified() => {
                        endpoint.sender.store(None);
                        connection.await;
                    }
                }
                endpoint.sender.store(None);
                if began.elapsed() >= RECONNECT_DELAY_MAX {
                    delay = RECONNECT_DELAY_MIN;
                    continue;
                }
            }
            Err(error) => {
                tracing::debug!(address = %endpoint.address, %error, "not connected");
                channel.resolve.notify_one();
                drop(channel);
            }
        }
        // Not connected, or not for long.
        sleep(delay).await;
        delay = (delay * 2).min(RECONNECT_DELAY_MAX);
    }
}

type Connection = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Inner {
    async fn open(&self, address: SocketAddr) -> std::io::Result<(SendRequest<Body>, Connection)> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        match &self.target.tls {
            Some(tls) if self.scheme == Scheme::HTTPS => {
                let host = self.authority.host().trim_matches(['[', ']']).to_owned();
                let name = ServerName::try_from(host).map_err(io_error)?;
                let connector = tokio_rustls::TlsConnector::from(tls.client());
                handshake(connector.connect(name, stream).await?).await
            }
            _ => handshake(stream).await,
        }
    }
}

async fn handshake<S>(stream: S) -> std::io::Result<(SendRequest<Body>, Connection)>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES * 4)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(io_error)?;
    let connection = Box::pin(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "connection ended");
        }
    });
    Ok((sender, connection))
}

/// What a generated client needs. A method may be repeated where the contract says
/// so and nothing of it is a stream.
impl tower::Service<Request<Body>> for Channel {
    type Response = Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let channel = self.clone();
        let method = self.0.target.methods.get(request.uri().path());
        let idempotent = method.is_some_and(|method| method.idempotent && !method.streaming);
        Box::pin(async move { channel.send(request, idempotent).await.map_err(Status::from) })
    }
}

#[cfg(test)]
mod tests;
