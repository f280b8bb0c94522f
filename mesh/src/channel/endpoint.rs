//! One address of a service and the connections to it: one that is always there, and
//! more while streams fill those that are.

use std::{
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;

use super::pool::Pool;
use crate::{server::CONCURRENT_STREAMS_MAX, tls::io_error};

const RECONNECT_DELAY_MIN: Duration = Duration::from_millis(50);
const RECONNECT_DELAY_MAX: Duration = Duration::from_secs(1);
/// So long after its loss a connection is waited for: the service may be restarting.
const RESTART_DURATION_MAX: Duration = Duration::from_secs(2);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(5);
const WINDOW_BYTES: u32 = 1 << 20;
/// A connection takes so many streams, as the servers of the mesh do.
const STREAMS_MAX: usize = CONCURRENT_STREAMS_MAX as usize;
/// With so many streams on the least busy connection another one is opened.
const STREAMS_MANY: usize = STREAMS_MAX / 2;
const CONNECTIONS_MAX: usize = 8;
/// So often a connection beside the first is asked whether it is still of use.
const EXTRA_IDLE_MAX: Duration = Duration::from_secs(2);
/// So many failures in a row eject an address for [`EJECTION_DURATION`].
pub(super) const EJECTION_FAILURES: usize = 5;
const EJECTION_DURATION: Duration = Duration::from_secs(5);

/// One address of the service.
pub(super) struct Endpoint {
    pub(super) address: SocketAddr,
    pub(super) connections: ArcSwap<Vec<Arc<Connection>>>,
    is_growing: AtomicBool,
    /// A call waits for an attempt to connect.
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

/// A connection that takes requests, until nobody has it any more.
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

/// What a call needs to know of an address before it goes there.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Room {
    is_ejected: bool,
    is_full: bool,
    streams: usize,
}

/// A place on a connection, for one request and until the end of its response.
pub(super) struct Place {
    endpoint: Arc<Endpoint>,
    connection: Arc<Connection>,
}

impl Place {
    /// Sends the request that this place is for.
    pub(super) fn sender(&self) -> SendRequest<Body> {
        self.connection.sender.clone()
    }

    /// Notes what came of it.
    pub(super) fn judge(&self, good: bool) {
        self.endpoint.judge(good);
    }

    /// The connection did not take the request: no other one is to try if it is closed.
    pub(super) fn leave(&self) {
        if !self.connection.is_open() {
            self.endpoint.remove(&self.connection);
        }
    }
}

impl Drop for Place {
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

    /// How much room there is on the connections; none where there is none of them.
    pub(super) fn room(&self) -> Option<Room> {
        let connections = self.connections.load();
        let streams = connections.iter().filter(|c| c.is_open()).map(|c| c.streams());
        let least = streams.clone().min()?;
        let is_full = least >= STREAMS_MAX;
        Some(Room { is_ejected: self.is_ejected(), is_full, streams: streams.sum() })
    }

    /// A place on the least busy connection; none where it is full, but for one who
    /// has waited already. Where it has many streams, another one is opened.
    pub(super) fn take(self: &Arc<Self>, pool: &Arc<Pool>, has_waited: bool) -> Option<Place> {
        let connections = self.connections.load();
        let open = connections.iter().filter(|connection| connection.is_open());
        let connection = open.min_by_key(|connection| connection.streams())?;
        let room = |streams| (streams < STREAMS_MAX || has_waited).then_some(streams + 1);
        let taken = connection.streams.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room);
        if connection.streams() >= STREAMS_MANY && connections.len() < CONNECTIONS_MAX {
            self.grow(pool);
        }
        taken.ok()?;
        Some(Place { endpoint: self.clone(), connection: connection.clone() })
    }

    /// Whether a call that came at `came` need not wait for a connection: an attempt to
    /// make one that began later has failed, and it is no restart that makes it fail.
    /// Otherwise an attempt is due.
    pub(super) fn is_down(&self, came: Instant) -> bool {
        let times = self.times();
        let was_refused = times.refused.is_some_and(|began| began >= came);
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

    fn judge(&self, good: bool) {
        if good {
            self.failures.store(0, Ordering::Relaxed);
        } else if self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= EJECTION_FAILURES {
            self.times().ejected_until = Some(Instant::now() + EJECTION_DURATION);
        }
    }

    /// Lets requests under way end and makes no new connection.
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

    /// Runs a connection, until its end or that of this address.
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

    /// Opens another connection, for as long as it is of use.
    fn grow(self: &Arc<Self>, pool: &Arc<Pool>) {
        if self.is_growing.swap(true, Ordering::Relaxed) {
            return;
        }
        let (endpoint, pool) = (self.clone(), Arc::downgrade(pool));
        tokio::spawn(async move {
            let Some(held) = pool.upgrade() else {
                return;
            };
            match held.open(endpoint.address).await {
                Ok((sender, driver)) => {
                    let connection = endpoint.add(sender);
                    endpoint.is_growing.store(false, Ordering::Relaxed);
                    held.changed.notify_waiters();
                    drop(held);
                    endpoint.run(connection, driver, true).await;
                }
                Err(error) => {
                    drop(held);
                    tracing::debug!(address = %endpoint.address, %error, "no further connection");
                    sleep(RECONNECT_DELAY_MAX).await;
                    endpoint.is_growing.store(false, Ordering::Relaxed);
                }
            }
        });
    }

    /// Sees to it that there is a connection, until this address is retired.
    pub(super) async fn keep_connected(self: Arc<Self>, pool: Weak<Pool>) {
        let mut delay = RECONNECT_DELAY_MIN;
        while !self.retired.is_cancelled() {
            let Some(held) = pool.upgrade() else {
                return;
            };
            let began = Instant::now();
            match held.open(self.address).await {
                Ok((sender, driver)) => {
                    self.failures.store(0, Ordering::Relaxed);
                    self.times().refused = None;
                    let connection = self.add(sender);
                    held.changed.notify_waiters();
                    drop(held);
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
                    held.resolve.notify_one();
                    held.changed.notify_waiters();
                }
            }
            // Not connected, or not for long: not at once again, however many calls wait.
            sleep(RECONNECT_DELAY_MIN).await;
            let _ = timeout(delay - RECONNECT_DELAY_MIN, self.wanted.notified()).await;
            delay = (delay * 2).min(RECONNECT_DELAY_MAX);
        }
    }
}

/// Moves the bytes of a connection until it ends: at once when its peer closes it, or
/// when nobody has its sender any more and all requests have ended.
pub(super) type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A connection over `stream`.
pub(super) async fn handshake<S>(stream: S) -> std::io::Result<(SendRequest<Body>, Driver)>
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
    let driver = Box::pin(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "connection ended");
        }
    });
    Ok((sender, driver))
}
