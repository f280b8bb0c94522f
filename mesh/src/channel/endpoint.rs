//! One address of a service and its connections: one that is kept open, and more while streams fill
//! the open ones. Owns outlier detection: an address is ejected after consecutive failures.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use hyper::client::conn::http2::SendRequest;
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;

use super::connector::{Connector, Driver};
use crate::server::CONCURRENT_STREAMS_MAX;

const RECONNECT_DELAY_MIN: Duration = Duration::from_millis(50);
const RECONNECT_DELAY_MAX: Duration = Duration::from_secs(1);
/// For this long after a connection was lost, calls wait for a new one: the service may restart.
const RESTART_DURATION_MAX: Duration = Duration::from_secs(2);
/// Streams per connection, the limit of the mesh's servers.
const STREAMS_MAX: usize = CONCURRENT_STREAMS_MAX as usize;
/// With this many streams on the least loaded connection another one is opened.
const STREAMS_BEFORE_GROWTH: usize = STREAMS_MAX / 2;
const CONNECTIONS_MAX: usize = 8;
/// Idle time after which a connection beside the first is closed.
const EXTRA_IDLE_MAX: Duration = Duration::from_secs(2);
/// Consecutive failures that eject an address for [`EJECTION_DURATION`].
pub(super) const EJECTION_FAILURES: usize = 5;
const EJECTION_DURATION: Duration = Duration::from_secs(5);

/// One address of the service.
pub(super) struct Endpoint {
    pub(super) address: SocketAddr,
    pub(super) connections: ArcSwap<Vec<Arc<Connection>>>,
    is_growing: AtomicBool,
    /// Signals that a call waits for an attempt to connect.
    wanted: Notify,
    failures: AtomicUsize,
    times: Mutex<Times>,
    retired: CancellationToken,
}

#[derive(Default)]
struct Times {
    ejected_until: Option<Instant>,
    /// When the last connection was lost.
    lost: Option<Instant>,
    /// When the last attempt to connect began, if it failed.
    refused: Option<Instant>,
}

/// A connection that accepts requests. It ends when it is dropped everywhere.
pub(super) struct Connection {
    sender: SendRequest<Body>,
    streams: AtomicUsize,
}

impl Connection {
    fn streams(&self) -> usize {
        self.streams.load(Ordering::Relaxed)
    }

    fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }
}

/// The load of an address, as the load balancer compares it: the least is chosen.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EndpointLoad {
    is_ejected: bool,
    is_full: bool,
    streams: usize,
}

/// The right to use one HTTP/2 stream, for one request and until the end of its response.
pub(super) struct StreamPermit {
    endpoint: Arc<Endpoint>,
    connection: Arc<Connection>,
}

impl StreamPermit {
    /// Returns the sender for the request.
    pub(super) fn sender(&self) -> SendRequest<Body> {
        self.connection.sender.clone()
    }

    /// Records the result of the call for outlier detection.
    pub(super) fn record_result(&self, success: bool) {
        self.endpoint.record_result(success);
    }

    /// Removes the connection if it is closed, so that no other request tries it.
    pub(super) fn discard_connection(&self) {
        if !self.connection.is_open() {
            self.endpoint.remove(&self.connection);
        }
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        self.connection.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Endpoint {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            connections: ArcSwap::default(),
            is_growing: AtomicBool::new(false),
            wanted: Notify::new(),
            failures: AtomicUsize::new(0),
            times: Mutex::default(),
            retired: CancellationToken::new(),
        }
    }

    fn times(&self) -> MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the load of the open connections; `None` without one.
    pub(super) fn load(&self) -> Option<EndpointLoad> {
        let connections = self.connections.load();
        let streams = connections.iter().filter(|c| c.is_open()).map(|c| c.streams());
        let least = streams.clone().min()?;
        let is_full = least >= STREAMS_MAX;
        Some(EndpointLoad { is_ejected: self.is_ejected(), is_full, streams: streams.sum() })
    }

    /// Returns a permit for the least loaded connection; `None` if it is full, except for a call that
    /// has already waited. Opens another connection while the load is high.
    pub(super) fn acquire(
        self: &Arc<Self>,
        connector: &Arc<Connector>,
        has_waited: bool,
    ) -> Option<StreamPermit> {
        let connections = self.connections.load();
        let open = connections.iter().filter(|connection| connection.is_open());
        let connection = open.min_by_key(|connection| connection.streams())?;
        let increment = |streams| (streams < STREAMS_MAX || has_waited).then_some(streams + 1);
        let acquired =
            connection.streams.fetch_update(Ordering::Relaxed, Ordering::Relaxed, increment);
        if connection.streams() >= STREAMS_BEFORE_GROWTH && connections.len() < CONNECTIONS_MAX {
            self.grow(connector);
        }
        acquired.ok()?;
        Some(StreamPermit { endpoint: self.clone(), connection: connection.clone() })
    }

    /// Returns whether a call that arrived at `arrival` fails at once: an attempt to connect that began
    /// later has failed, and the service is not just restarting. Otherwise requests an attempt.
    pub(super) fn is_down(&self, arrival: Instant) -> bool {
        let times = self.times();
        let was_refused = times.refused.is_some_and(|began| began >= arrival);
        let may_restart = times.lost.is_some_and(|at| at.elapsed() < RESTART_DURATION_MAX);
        let is_down = was_refused && !may_restart;
        if !is_down {
            self.wanted.notify_one();
        }
        is_down
    }

    fn is_ejected(&self) -> bool {
        self.failures.load(Ordering::Relaxed) >= EJECTION_FAILURES
            && self.times().ejected_until.is_some_and(|until| Instant::now() < until)
    }

    fn record_result(&self, success: bool) {
        if success {
            self.failures.store(0, Ordering::Relaxed);
        } else if self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= EJECTION_FAILURES {
            self.times().ejected_until = Some(Instant::now() + EJECTION_DURATION);
        }
    }

    /// Lets requests in flight end and opens no new connection.
    pub(super) fn retire(&self) {
        self.retired.cancel();
    }

    fn add(&self, sender: SendRequest<Body>) -> Arc<Connection> {
        let connection = Arc::new(Connection { sender, streams: AtomicUsize::new(0) });
        self.connections.rcu(|connections| {
            let added = [connection.clone()];
            connections.iter().cloned().chain(added).collect::<Vec<_>>()
        });
        connection
    }

    fn remove(&self, connection: &Arc<Connection>) {
        self.connections.rcu(|connections| {
            let others = connections.iter().filter(|other| !Arc::ptr_eq(other, connection));
            others.cloned().collect::<Vec<_>>()
        });
    }

    /// Runs a connection until it ends or the address is retired.
    async fn run(&self, connection: Arc<Connection>, mut driver: Driver, is_extra: bool) {
        let unused = async {
            loop {
                sleep(EXTRA_IDLE_MAX).await;
                if is_extra && connection.streams() == 0 {
                    return;
                }
            }
        };
        let has_ended = tokio::select! {
            () = &mut driver => true,
            () = self.retired.cancelled() => false,
            () = unused => false,
        };
        self.remove(&connection);
        drop(connection);
        if !has_ended {
            driver.await;
        }
    }

    /// Opens another connection, which closes when it becomes idle.
    fn grow(self: &Arc<Self>, connector: &Arc<Connector>) {
        if self.is_growing.swap(true, Ordering::Relaxed) {
            return;
        }
        let (endpoint, connector) = (self.clone(), Arc::downgrade(connector));
        tokio::spawn(async move {
            let Some(connector) = connector.upgrade() else {
                return;
            };
            match connector.open(endpoint.address).await {
                Ok((sender, driver)) => {
                    let connection = endpoint.add(sender);
                    endpoint.is_growing.store(false, Ordering::Relaxed);
                    connector.changed.notify_waiters();
                    drop(connector);
                    endpoint.run(connection, driver, true).await;
                }
                Err(error) => {
                    drop(connector);
                    tracing::debug!(address = %endpoint.address, %error, "no further connection");
                    sleep(RECONNECT_DELAY_MAX).await;
                    endpoint.is_growing.store(false, Ordering::Relaxed);
                }
            }
        });
    }

    /// Keeps one connection open until the address is retired.
    pub(super) async fn keep_connected(self: Arc<Self>, connector: Weak<Connector>) {
        let mut delay = RECONNECT_DELAY_MIN;
        while !self.retired.is_cancelled() {
            let Some(connector) = connector.upgrade() else {
                return;
            };
            let began = Instant::now();
            match connector.open(self.address).await {
                Ok((sender, driver)) => {
                    self.failures.store(0, Ordering::Relaxed);
                    self.times().refused = None;
                    let connection = self.add(sender);
                    connector.changed.notify_waiters();
                    drop(connector);
                    self.run(connection, driver, false).await;
                    self.times().lost = Some(Instant::now());
                    if began.elapsed() >= RECONNECT_DELAY_MAX {
                        delay = RECONNECT_DELAY_MIN;
                        continue;
                    }
                }
                Err(error) => {
                    tracing::debug!(address = %self.address, %error, "not connected");
                    self.times().refused = Some(began);
                    connector.resolve.notify_one();
                    connector.changed.notify_waiters();
                }
            }
            // The connection failed or was short-lived: back off, however many calls wait.
            sleep(RECONNECT_DELAY_MIN).await;
            let _ = timeout(delay - RECONNECT_DELAY_MIN, self.wanted.notified()).await;
            delay = (delay * 2).min(RECONNECT_DELAY_MAX);
        }
    }
}
