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
use http::{Request, Uri};
use tokio::{
    net::lookup_host,
    time::{Instant, sleep, timeout},
};
use tonic::body::Body;

use super::{
    connector::Connector,
    endpoint::{Endpoint, StreamPermit},
};
use crate::{BoxError, error::Error, tls::Tls};

const RESOLVE_INTERVAL: Duration = Duration::from_secs(2);
/// Time between two look-ups, however many connections fail.
const RESOLVE_INTERVAL_MIN: Duration = Duration::from_millis(250);
/// How long a call waits for a connection.
const READY_WAIT_MAX: Duration = Duration::from_secs(2);

/// The connections to all addresses of one service.
pub(super) struct Pool {
    pub(super) connector: Arc<Connector>,
    pub(super) endpoints: ArcSwap<Vec<Arc<Endpoint>>>,
    next: AtomicUsize,
    is_resolved: AtomicBool,
}

impl Pool {
    /// Creates a pool without addresses.
    ///
    /// # Errors
    /// A URL without a host, or `https` without certificates.
    pub(super) fn new(url: &Uri, tls: Option<Tls>) -> Result<Arc<Self>, BoxError> {
        Ok(Arc::new(Self {
            connector: Arc::new(Connector::new(url, tls)?),
            endpoints: ArcSwap::default(),
            next: AtomicUsize::new(0),
            is_resolved: AtomicBool::new(false),
        }))
    }

    /// Rewrites the URI of a request to this service.
    pub(super) fn readdress(&self, request: &mut Request<Body>) -> Result<(), Error> {
        let mut parts = request.uri().clone().into_parts();
        parts.scheme = Some(self.connector.scheme.clone());
        parts.authority = Some(self.connector.authority.clone());
        *request.uri_mut() = Uri::from_parts(parts).map_err(Error::internal)?;
        *request.version_mut() = http::Version::HTTP_2;
        Ok(())
    }

    /// Returns a stream permit of the least loaded address. Waits while a connection may open soon;
    /// `None` if the service is down.
    pub(super) async fn acquire(&self) -> Option<StreamPermit> {
        let arrival = Instant::now();
        let waited = timeout(READY_WAIT_MAX, async {
            loop {
                let changed = self.connector.changed.notified();
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

    fn acquire_ready(&self, has_waited: bool) -> Option<StreamPermit> {
        let endpoints = self.endpoints.load();
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        // Round-robin among equally loaded addresses.
        let rotated = (0..endpoints.len()).map(|i| &endpoints[(first + i) % endpoints.len()]);
        let connected = rotated.filter_map(|endpoint| Some((endpoint.load()?, endpoint)));
        let (_, endpoint) = connected.min_by(|(one, _), (other, _)| one.cmp(other))?;
        endpoint.acquire(&self.connector, has_waited)
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
    pub(super) fn reconcile(&self, addresses: &[SocketAddr]) {
        let current = self.endpoints.load();
        let (mut kept, gone): (Vec<_>, Vec<_>) =
            current.iter().cloned().partition(|endpoint| addresses.contains(&endpoint.address));
        for &address in addresses {
            if !kept.iter().any(|endpoint| endpoint.address == address) {
                let endpoint = Arc::new(Endpoint::new(address));
                tokio::spawn(endpoint.clone().keep_connected(Arc::downgrade(&self.connector)));
                kept.push(endpoint);
            }
        }
        self.endpoints.store(Arc::new(kept));
        gone.iter().for_each(|endpoint| endpoint.retire());
        self.mark_resolved();
    }

    fn mark_resolved(&self) {
        self.is_resolved.store(true, Ordering::Relaxed);
        self.connector.changed.notify_waiters();
    }

    /// Resolves the name periodically, for the lifetime of the pool.
    pub(super) async fn keep_resolved(pool: Weak<Self>) {
        loop {
            let Some(pool) = pool.upgrade() else {
                return;
            };
            match lookup_host(pool.connector.host_and_port()).await {
                Ok(addresses) => {
                    let mut addresses: Vec<_> = addresses.collect();
                    addresses.sort();
                    addresses.dedup();
                    pool.reconcile(&addresses);
                }
                // Known addresses stay: a name server that is down removes none.
                Err(error) => {
                    tracing::debug!(host = %pool.connector.authority, %error, "name not resolved");
                    pool.mark_resolved();
                }
            }
            sleep(RESOLVE_INTERVAL_MIN).await;
            let _ = timeout(RESOLVE_INTERVAL, pool.connector.resolve.notified()).await;
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.endpoints.load().iter().for_each(|endpoint| endpoint.retire());
    }
}
