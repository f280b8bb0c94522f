//! The connection pool of a service: its addresses, re-resolved periodically, with their connections.
//! A call goes to the least loaded one, and waits only while a connection may open soon.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use http::{Request, Uri, uri::Authority, uri::Scheme};
use hyper::client::conn::http2::SendRequest;
use rustls::pki_types::ServerName;
use tokio::{
    net::{TcpStream, lookup_host},
    sync::Notify,
    time::{Instant, sleep, timeout},
};
use tonic::body::Body;

use super::endpoint::{Driver, Endpoint, StreamPermit, handshake};
use crate::{
    error::{BoxError, Error},
    tls::{Tls, io_error},
};

const RESOLVE_INTERVAL: Duration = Duration::from_secs(2);
/// Time between two look-ups, however many connections fail.
const RESOLVE_INTERVAL_MIN: Duration = Duration::from_millis(250);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a call waits for a connection.
const READY_WAIT_MAX: Duration = Duration::from_secs(2);

/// The connections to all addresses of one service.
pub(super) struct Pool {
    scheme: Scheme,
    pub(super) authority: Authority,
    tls: Option<Tls>,
    pub(super) endpoints: ArcSwap<Vec<Arc<Endpoint>>>,
    next: AtomicUsize,
    is_resolved: AtomicBool,
    /// Signals that a connection opened or an attempt failed.
    pub(super) changed: Notify,
    /// Requests a look-up of the addresses now.
    pub(super) resolve: Notify,
}

impl Pool {
    /// Creates a pool without addresses.
    ///
    /// # Errors
    /// A URL without a host, or `https` without certificates.
    pub(super) fn new(url: &Uri, tls: Option<Tls>) -> Result<Arc<Self>, BoxError> {
        let authority = url.authority().cloned();
        let authority = authority.ok_or_else(|| format!("{url} has no host"))?;
        let scheme = url.scheme().cloned().unwrap_or(Scheme::HTTP);
        if scheme == Scheme::HTTPS && tls.is_none() {
            return Err(format!("{url} needs certificates").into());
        }
        Ok(Arc::new(Self {
            scheme,
            authority,
            tls,
            endpoints: ArcSwap::default(),
            next: AtomicUsize::new(0),
            is_resolved: AtomicBool::new(false),
            changed: Notify::new(),
            resolve: Notify::new(),
        }))
    }

    /// Rewrites the URI of a request to this service.
    pub(super) fn readdress(&self, request: &mut Request<Body>) -> Result<(), Error> {
        let mut parts = request.uri().clone().into_parts();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        *request.uri_mut() = Uri::from_parts(parts).map_err(Error::internal)?;
        *request.version_mut() = http::Version::HTTP_2;
        Ok(())
    }

    /// Returns a stream permit of the least loaded address. Waits while a connection may open soon;
    /// `None` if the service is down.
    pub(super) async fn acquire(self: &Arc<Self>) -> Option<StreamPermit> {
        let arrival = Instant::now();
        let waited = timeout(READY_WAIT_MAX, async {
            loop {
                let changed = self.changed.notified();
                let permit = self.acquire_ready(false);
                if permit.is_some() || self.is_down(arrival) {
                    return permit;
                }
                changed.await;
            }
        });
        // All are full: the call queues on one of them.
        waited.await.unwrap_or_else(|_| self.acquire_ready(true))
    }

    fn acquire_ready(self: &Arc<Self>, has_waited: bool) -> Option<StreamPermit> {
        let endpoints = self.endpoints.load();
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        // Round-robin among equally loaded addresses.
        let rotated = (0..endpoints.len()).map(|i| &endpoints[(first + i) % endpoints.len()]);
        let connected = rotated.filter_map(|endpoint| Some((endpoint.load()?, endpoint)));
        let (_, endpoint) = connected.min_by(|(one, _), (other, _)| one.cmp(other))?;
        endpoint.acquire(self, has_waited)
    }

    /// Returns whether a call that arrived at `arrival` fails at once.
    fn is_down(&self, arrival: Instant) -> bool {
        let endpoints = self.endpoints.load();
        if endpoints.is_empty() {
            return self.is_resolved.load(Ordering::Relaxed);
        }
        // Counts instead of `all`, so that every endpoint gets the request to connect.
        endpoints.iter().filter(|endpoint| !endpoint.is_down(arrival)).count() == 0
    }

    /// Adds new addresses and retires those that are gone.
    pub(super) fn reconcile(self: &Arc<Self>, addresses: &[SocketAddr]) {
        let current = self.endpoints.load();
        let (mut kept, gone): (Vec<_>, Vec<_>) =
            current.iter().cloned().partition(|endpoint| addresses.contains(&endpoint.address));
        for &address in addresses {
            if !kept.iter().any(|endpoint| endpoint.address == address) {
                let endpoint = Arc::new(Endpoint::new(address));
                tokio::spawn(endpoint.clone().keep_connected(Arc::downgrade(self)));
                kept.push(endpoint);
            }
        }
        self.endpoints.store(Arc::new(kept));
        gone.iter().for_each(|endpoint| endpoint.retire());
        self.mark_resolved();
    }

    fn mark_resolved(&self) {
        self.is_resolved.store(true, Ordering::Relaxed);
        self.changed.notify_waiters();
    }

    /// Resolves the name periodically, for the lifetime of the pool.
    pub(super) async fn keep_resolved(pool: Weak<Self>) {
        loop {
            let Some(pool) = pool.upgrade() else {
                return;
            };
            let host = pool.authority.host().trim_matches(['[', ']']).to_owned();
            let standard_port = if pool.scheme == Scheme::HTTPS { 443 } else { 80 };
            let port = pool.authority.port_u16().unwrap_or(standard_port);
            match lookup_host((host.as_str(), port)).await {
                Ok(addresses) => {
                    let mut addresses: Vec<_> = addresses.collect();
                    addresses.sort();
                    addresses.dedup();
                    pool.reconcile(&addresses);
                }
                // Known addresses stay: a name server that is down removes none.
                Err(error) => {
                    tracing::debug!(%host, %error, "name not resolved");
                    pool.mark_resolved();
                }
            }
            sleep(RESOLVE_INTERVAL_MIN).await;
            let _ = timeout(RESOLVE_INTERVAL, pool.resolve.notified()).await;
        }
    }

    /// Opens a connection to one of the addresses.
    pub(super) async fn open(
        &self,
        address: SocketAddr,
    ) -> std::io::Result<(SendRequest<Body>, Driver)> {
        let opened = timeout(CONNECT_TIMEOUT, async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            match &self.tls {
                Some(tls) if self.scheme == Scheme::HTTPS => {
                    let host = self.authority.host().trim_matches(['[', ']']).to_owned();
                    let name = ServerName::try_from(host).map_err(io_error)?;
                    let connector = tokio_rustls::TlsConnector::from(tls.client());
                    handshake(connector.connect(name, stream).await?).await
                }
                _ => handshake(stream).await,
            }
        });
        opened.await.unwrap_or_else(|_| Err(io_error("timed out")))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.endpoints.load().iter().for_each(|endpoint| endpoint.retire());
    }
}
