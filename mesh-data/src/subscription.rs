//! Subscriptions: server streams of the values that others change. One poll reads the union of the
//! keys of all streams of this replica; without streams there is no poll. Updates are coalesced: a
//! stream sends only the latest values when its client is ready for more, so a slow client costs no
//! memory. The keys and values are opaque.
//!
//! **Invariant:** a stream sends only results of reads that began after it did, in their order. It
//! never goes back in time.

use std::{
    collections::{HashMap, HashSet},
    future::Future,
    hash::Hash,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{Stream, stream};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use mesh::{Error, boot::Process};

/// Longest duration of a stream. A client that watches longer opens a new one.
pub const STREAM_DURATION_MAX: Duration = Duration::from_secs(600);

const PACE: Pace = Pace { poll: Duration::from_millis(500), heartbeat: Duration::from_secs(20) };

/// Most keys that all streams together watch.
const KEYS_MAX: usize = 20_000;

/// The intervals of polls and heartbeats.
#[derive(Clone, Copy)]
struct Pace {
    poll: Duration,
    heartbeat: Duration,
}

/// Reads the current values of keys. A key that is not in the result has no value.
pub trait Read<K, V>: Send + Sync + 'static {
    /// Reads `keys`, which are distinct.
    fn read(&self, keys: Vec<K>) -> Pin<Box<dyn Future<Output = Found<K, V>> + Send>>;
}

/// The result of a [`Read`].
pub type Found<K, V> = Result<HashMap<K, V>, Error>;

impl<K, V, F, Fut> Read<K, V> for F
where
    F: Fn(Vec<K>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Found<K, V>> + Send + 'static,
{
    fn read(&self, keys: Vec<K>) -> Pin<Box<dyn Future<Output = Found<K, V>> + Send>> {
        Box::pin(self(keys))
    }
}

/// One message of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update<K, V> {
    /// The pending changes: each changed key with its value, if it has one.
    Values(Vec<(K, Option<V>)>),
    /// The stream is alive.
    Heartbeat,
}

/// Polls for all subscriptions of this replica. Cheap to clone.
pub struct Hub<K, V>(Arc<Inner<K, V>>);

impl<K, V> Clone for Hub<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

struct Inner<K, V> {
    name: &'static str,
    pace: Pace,
    state: Mutex<State<K, V>>,
    /// Signals that a stream began.
    requested: Notify,
    completed: watch::Sender<Completed>,
    /// Cancelled when all streams must end.
    drain: CancellationToken,
}

struct State<K, V> {
    watched: HashMap<K, Watched<V>>,
    /// Keys of the streams that began since the last read began.
    requested: HashSet<K>,
    /// Number of the last read that began.
    reads: u64,
}

impl<K: Eq + Hash, V> State<K, V> {
    /// Removes `key` of one stream.
    fn unwatch(&mut self, key: &K) {
        if let Some(watched) = self.watched.get_mut(key) {
            watched.streams -= 1;
            if watched.streams == 0 {
                self.watched.remove(key);
            }
        }
    }
}

struct Watched<V> {
    streams: usize,
    value: Option<V>,
}

/// The last completed read. Streams are notified if it found changes or one of them waits for it.
#[derive(Debug, Clone, Default)]
struct Completed {
    read: u64,
    error: Option<Status>,
}

impl<K, V> Hub<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + PartialEq + Send + Sync + 'static,
{
    /// Polls with `read` until the process drains. `name` is a label of the metric `watched_keys`.
    pub fn start(process: &Process, name: &'static str, read: impl Read<K, V>) -> Self {
        Self::start_at(PACE, process, name, read)
    }

    fn start_at(pace: Pace, process: &Process, name: &'static str, read: impl Read<K, V>) -> Self {
        let inner = Arc::new(Inner {
            name,
            pace,
            state: Mutex::new(State {
                watched: HashMap::new(),
                requested: HashSet::new(),
                reads: 0,
            }),
            requested: Notify::new(),
            completed: watch::Sender::new(Completed::default()),
            drain: process.drain.clone(),
        });
        let hub = inner.clone();
        process.spawn(name, async move {
            hub.poll(read).await;
            Ok(())
        });
        Self(inner)
    }

    /// Returns a stream of the values of `keys`: first all of them, then those that change, and
    /// heartbeats. A key without a value in the first update is not watched after it, so that
    /// invented keys cost one read. It ends after `duration_max`, after [`STREAM_DURATION_MAX`], or when the process
    /// drains.
    ///
    /// # Errors
    /// [`Error::Overloaded`] if too many keys are watched. In the stream, the error of a read
    /// before the first update; later ones only delay the updates.
    pub fn watch(
        &self,
        keys: Vec<K>,
        duration_max: Duration,
    ) -> Result<impl Stream<Item = Result<Update<K, V>, Status>> + Send + use<K, V>, Error> {
        if self.0.lock().watched.len() + keys.len() > KEYS_MAX {
            return Err(Error::Overloaded);
        }
        let subscription = Subscription::begin(self.0.clone(), keys, duration_max);
        Ok(stream::unfold(Some(subscription), |subscription| async {
            let mut subscription = subscription?;
            match subscription.next().await? {
                Ok(update) => Some((Ok(update), Some(subscription))),
                Err(status) => Some((Err(status), None)),
            }
        }))
    }
}

impl<K, V> Inner<K, V>
where
    K: Clone + Eq + Hash,
    V: PartialEq,
{
    fn lock(&self) -> MutexGuard<'_, State<K, V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn poll(&self, read: impl Read<K, V>) {
        let mut next_poll = Instant::now();
        loop {
            let is_watched = !self.lock().watched.is_empty();
            tokio::select! {
                () = self.drain.cancelled() => return,
                () = self.requested.notified() => {}
                () = sleep_until(next_poll), if is_watched => {}
            }
            let is_poll = Instant::now() >= next_poll;
            if is_poll {
                next_poll = Instant::now() + self.pace.poll;
            }
            let (number, keys, is_awaited) = self.begin_read(is_poll);
            if !keys.is_empty() {
                let found = read.read(keys.clone()).await;
                self.end_read(number, keys, found, is_awaited);
            }
        }
    }

    /// Begins a read of all watched keys, or only of the requested ones. Returns its number, its
    /// keys, and whether a new stream waits for it.
    fn begin_read(&self, all: bool) -> (u64, Vec<K>, bool) {
        let mut state = self.lock();
        state.reads += 1;
        let requested = std::mem::take(&mut state.requested);
        let is_awaited = !requested.is_empty();
        metrics::gauge!("watched_keys", "watch" => self.name).set(state.watched.len() as f64);
        let keys = if all {
            state.watched.keys().cloned().collect()
        } else {
            requested.into_iter().collect()
        };
        (state.reads, keys, is_awaited)
    }

    /// Stores the values of a read and notifies the streams if any of them may have to send an
    /// update.
    fn end_read(&self, number: u64, keys: Vec<K>, found: Found<K, V>, is_awaited: bool) {
        let mut is_notified = is_awaited;
        let error = match found {
            Ok(mut found) => {
                let mut state = self.lock();
                for key in keys {
                    let value = found.remove(&key);
                    if let Some(watched) = state.watched.get_mut(&key)
                        && watched.value != value
                    {
                        watched.value = value;
                        is_notified = true;
                    }
                }
                None
            }
            Err(error) => Some(Status::from(error)),
        };
        self.completed.send_if_modified(|completed| {
            *completed = Completed { read: number, error };
            is_notified
        });
    }
}

/// One stream. When it is dropped, its keys are no longer watched.
struct Subscription<K: Clone + Eq + Hash, V: PartialEq> {
    hub: Arc<Inner<K, V>>,
    /// The value last sent of each key; `None` before the first update.
    last_sent: Vec<(K, Option<Option<V>>)>,
    has_sent: bool,
    /// The last read that began before this stream.
    since: u64,
    completed: watch::Receiver<Completed>,
    heartbeat: Interval,
    end: Instant,
}

impl<K, V> Subscription<K, V>
where
    K: Clone + Eq + Hash,
    V: Clone + PartialEq,
{
    fn begin(hub: Arc<Inner<K, V>>, keys: Vec<K>, duration_max: Duration) -> Self {
        let completed = hub.completed.subscribe();
        let since = {
            let mut state = hub.lock();
            for key in &keys {
                let new = || Watched { streams: 0, value: None };
                state.watched.entry(key.clone()).or_insert_with(new).streams += 1;
                state.requested.insert(key.clone());
            }
            state.reads
        };
        hub.requested.notify_one();
        let now = Instant::now();
        let mut heartbeat = interval_at(now + hub.pace.heartbeat, hub.pace.heartbeat);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            hub,
            last_sent: keys.into_iter().map(|key| (key, None)).collect(),
            has_sent: false,
            since,
            completed,
            heartbeat,
            end: now + duration_max.min(STREAM_DURATION_MAX),
        }
    }

    async fn next(&mut self) -> Option<Result<Update<K, V>, Status>> {
        loop {
            tokio::select! {
                biased;
                () = self.hub.drain.cancelled() => return None,
                () = sleep_until(self.end) => return None,
                _ = self.heartbeat.tick(), if self.has_sent => {
                    return Some(Ok(Update::Heartbeat));
                }
                changed = self.completed.changed() => changed.ok()?,
            }
            let Completed { read, error } = self.completed.borrow_and_update().clone();
            if read <= self.since {
                continue;
            }
            if let Some(error) = error {
                if self.has_sent {
                    continue;
                }
                return Some(Err(error));
            }
            let values = self.take_pending();
            if !values.is_empty() {
                self.has_sent = true;
                return Some(Ok(Update::Values(values)));
            }
        }
    }

    /// Returns the values that changed since the last update and records them as sent.
    fn take_pending(&mut self) -> Vec<(K, Option<V>)> {
        let mut state = self.hub.lock();
        let mut pending = Vec::new();
        self.last_sent.retain_mut(|(key, last_sent)| {
            let value = state.watched.get(key).and_then(|watched| watched.value.as_ref());
            if last_sent.as_ref().map(Option::as_ref) == Some(value) {
                return true;
            }
            let value = value.cloned();
            let is_unknown = last_sent.is_none() && value.is_none();
            pending.push((key.clone(), value.clone()));
            *last_sent = Some(value);
            if is_unknown {
                state.unwatch(key);
            }
            !is_unknown
        });
        pending
    }
}

impl<K: Clone + Eq + Hash, V: PartialEq> Drop for Subscription<K, V> {
    fn drop(&mut self) {
        let mut state = self.hub.lock();
        for (key, _) in &self.last_sent {
            state.unwatch(key);
        }
    }
}

#[cfg(test)]
mod tests;
