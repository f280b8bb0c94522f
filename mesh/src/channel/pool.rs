//! The addresses of a service: looked up again and again, each with its connections.
//! A call goes to the least busy one, and waits only where a connection may come soon.

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

use super::endpoint::{Driver, Endpoint, Place, handshake};
use crate::{
    error::{BoxError, Error},
    tls::{Tls, io_error},
};

const RESOLVE_INTERVAL: Duration = Duration::from_secs(2);
/// However many connections fail, a name is not looked up sooner than this.
const RESOLVE_INTERVAL_MIN: Duration = Duration::from_millis(250);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a call waits for a connection.
const READY_WAIT_MAX: Duration = Duration::from_secs(2);

/// The addresses of one service.
pub(super) struct Pool {
    scheme: Scheme,
    pub(super) authority: Authority,
    tls: Option<Tls>,
    pub(super) endpoints: ArcSwap<Vec<Arc<Endpoint>>>,
    turn: AtomicUsize,
    was_looked_up: AtomicBool,
    /// A connection has come, or an attempt to make one has failed.
    pub(super) changed: Notify,
    /// Addresses should be looked up now.
    pub(super) resolve: Notify,
}

impl Pool {
    /// No address yet.
    ///
    /// # Errors
    /// A URL that names no host, or `https` without certificates.
    pub(super) fn new(url: &Uri, tls: Option<Tls>) -> Result<Arc<Self>, BoxError> {
        let authority = url.authority().cloned();
        let authority = authority.ok_or_else(|| format!("{url} names no host"))?;
        let scheme = url.scheme().cloned().unwrap_or(Scheme::HTTP);
        if scheme == Scheme::HTTPS && tls.is_none() {
            return Err(format!("{url} needs certificates").into());
        }
        Ok(Arc::new(Self {
            scheme,
            authority,
            tls,
            endpoints: ArcSwap::default(),
            turn: AtomicUsize::new(0),
            was_looked_up: AtomicBool::new(false),
            changed: Notify::new(),
            resolve: Notify::new(),
        }))
    }

    /// Makes a request one to this service.
    pub(super) fn readdress(&self, request: &mut Request<Body>) -> Result<(), Error> {
        let mut parts = request.uri().clone().into_parts();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        *request.uri_mut() = Uri::from_parts(parts).map_err(Error::internal)?;
        *request.version_mut() = http::Version::HTTP_2;
        Ok(())
    }

    /// A place on the least busy address that has a connection. Waits for one where it
    /// may come soon; none where it does not.
    pub(super) async fn take(self: &Arc<Self>) -> Option<Place> {
        let came = Instant::now();
        let waited = timeout(READY_WAIT_MAX, async {
            loop {
                let changed = self.changed.notified();
                let taken = self.take_ready(false);
                if taken.is_some() || self.is_down(came) {
                    return taken;
                }
                changed.await;
            }
        });
        // Where all are full it waits for its turn on one of them.
        waited.await.unwrap_or_else(|_| self.take_ready(true))
    }

    fn take_ready(self: &Arc<Self>, has_waited: bool) -> Option<Place> {
        let endpoints = self.endpoints.load();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let in_turn = (0..endpoints.len()).map(|i| &endpoints[(turn + i) % endpoints.len()]);
        let roomy = in_turn.filter_map(|endpoint| Some((endpoint.room()?, endpoint)));
        let (_, endpoint) = roomy.min_by(|(one, _), (other, _)| one.cmp(other))?;
        endpoint.take(self, has_waited)
    }

    /// Whether a call that came at `came` need not wait.
    fn is_down(&self, came: Instant) -> bool {
        let endpoints = self.endpoints.load();
        match endpoints.is_empty() {
            true => self.was_looked_up.load(Ordering::Relaxed),
            // Each is asked, so that each tries to connect.
            false => endpoints.iter().filter(|endpoint| !endpoint.is_down(came)).count() == 0,
        }
    }

    /// Takes in new addresses and lets go of those that are gone.
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
        self.looked_up();
    }

    fn looked_up(&self) {
        self.was_looked_up.store(true, Ordering::Relaxed);
        self.changed.notify_waiters();
    }

    /// Looks the name up, for as long as the pool lives.
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
                // What was known stays in force: a name server that is down takes
                // nothing away.
                Err(error) => {
                    tracing::debug!(%host, %error, "name not resolved");
                    pool.looked_up();
                }
            }
            sleep(RESOLVE_INTERVAL_MIN).await;
            let _ = timeout(RESOLVE_INTERVAL, pool.resolve.notified()).await;
        }
    }

    /// Connects to one of the addresses.
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
