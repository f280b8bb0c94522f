//! Server streams that tell what others wrote: one poll for the union of what all
//! streams of this replica watch, and none while nobody watches. Whenever its client is
//! ready for more, a stream tells the latest that it has not told: what lay between is
//! left out, so that a slow client holds nothing. Knows nothing of what is watched.
//!
//! **Invariant:** a stream tells only of reads that began after it did, in their order:
//! it never goes back in time.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
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

/// Longest that a stream lives. Who wants to watch longer asks again.
pub const STREAM_DURATION_MAX: Duration = Duration::from_secs(600);

const PACE: Pace = Pace { poll: Duration::from_millis(500), heartbeat: Duration::from_secs(20) };

/// Keys that are watched at once, by all streams together.
const KEYS_MAX: usize = 20_000;

/// How often what happens.
#[derive(Clone, Copy)]
struct Pace {
    poll: Duration,
    heartbeat: Duration,
}

/// Reads the values of keys as they are now. A key that is not in the answer has none.
pub trait Read<K, V>: Send + Sync + 'static {
    /// Reads `keys`, each once.
    fn read(&self, keys: Vec<K>) -> Pin<Box<dyn Future<Output = Found<K, V>> + Send>>;
}

/// What a [`Read`] finds.
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

/// What a stream tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update<K, V> {
    /// Values that the stream has not told yet; none where a key has none.
    Values(Vec<(K, Option<V>)>),
    /// The stream is alive.
    Heartbeat,
}

/// Reads for all streams of this replica. Cheap to clone.
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
    /// Somebody began to watch.
    asked: Notify,
    done: watch::Sender<Done>,
    /// Cancelled when all streams are to end.
    drain: CancellationToken,
}

struct State<K, V> {
    watched: HashMap<K, Watched<V>>,
    /// Keys that somebody began to watch since the last read began.
    asked: HashSet<K>,
    /// Reads that have begun: the number of the last one.
    begun: u64,
}

struct Watched<V> {
    streams: usize,
    value: Option<V>,
}

/// The last read that has ended. Told where it has news or somebody waits for it.
#[derive(Debug, Clone, Default)]
struct Done {
    read: u64,
    error: Option<Status>,
}

impl<K, V> Hub<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + PartialEq + Send + Sync + 'static,
{
    /// Reads by `read` beside the service, for as long as the process takes calls.
    pub fn start(process: &Process, name: &'static str, read: impl Read<K, V>) -> Self {
        Self::start_at(PACE, process, name, read)
    }

    fn start_at(pace: Pace, process: &Process, name: &'static str, read: impl Read<K, V>) -> Self {
        let inner = Arc::new(Inner {
            name,
            pace,
            state: Mutex::new(State { watched: HashMap::new(), asked: HashSet::new(), begun: 0 }),
            asked: Notify::new(),
            done: watch::Sender::new(Done::default()),
            drain: process.drain.clone(),
        });
        let reading = inner.clone();
        process.spawn(name, async move {
            reading.keep_reading(read).await;
            Ok(())
        });
        Self(inner)
    }

    /// The values of `keys`, first all of them, then those that change, and heartbeats.
    /// Ends after `duration_max`, after [`STREAM_DURATION_MAX`], or when the process
    /// takes no more calls.
    ///
    /// # Errors
    /// [`Error::Overloaded`], where too much is watched. In the stream, what the read
    /// says, where nothing was told yet: later ones only delay the news.
    pub fn watch(
        &self,
        keys: Vec<K>,
        duration_max: Duration,
    ) -> Result<impl Stream<Item = Result<Update<K, V>, Status>> + Send + use<K, V>, Error> {
        if self.0.lock().watched.len() + keys.len() > KEYS_MAX {
            return Err(Error::Overloaded);
        }
        let watching = Subscription::begin(self.0.clone(), keys, duration_max);
        Ok(stream::unfold(Some(watching), |watching| async {
            let mut watching = watching?;
            match watching.next().await? {
                Ok(news) => Some((Ok(news), Some(watching))),
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

    async fn keep_reading(&self, read: impl Read<K, V>) {
        let mut next = Instant::now();
        loop {
            let is_watched = !self.lock().watched.is_empty();
            tokio::select! {
                () = self.drain.cancelled() => return,
                () = self.asked.notified() => {}
                () = sleep_until(next), if is_watched => {}
            }
            let all = Instant::now() >= next;
            if all {
                next = Instant::now() + self.pace.poll;
            }
            let (number, keys, is_awaited) = self.begin(all);
            if !keys.is_empty() {
                let found = read.read(keys.clone()).await;
                self.end(number, keys, found, is_awaited);
            }
        }
    }

    /// Begins a read of all keys, or of those only that somebody waits for: its number,
    /// its keys, and whether somebody does.
    fn begin(&self, all: bool) -> (u64, Vec<K>, bool) {
        let mut state = self.lock();
        state.begun += 1;
        let asked = std::mem::take(&mut state.asked);
        let is_awaited = !asked.is_empty();
        metrics::gauge!("watched_keys", "watch" => self.name).set(state.watched.len() as f64);
        let keys = match all {
            true => state.watched.keys().cloned().collect(),
            false => asked.into_iter().collect(),
        };
        (state.begun, keys, is_awaited)
    }

    fn end(&self, number: u64, keys: Vec<K>, found: Found<K, V>, is_awaited: bool) {
        let mut has_news = is_awaited;
        let error = match found {
            Ok(mut found) => {
                let mut state = self.lock();
                for key in keys {
                    let value = found.remove(&key);
                    if let Some(watched) = state.watched.get_mut(&key)
                        && watched.value != value
                    {
                        watched.value = value;
                        has_news = true;
                    }
                }
                None
            }
            Err(error) => Some(Status::from(error)),
        };
        self.done.send_if_modified(|done| {
            *done = Done { read: number, error };
            has_news
        });
    }
}

/// One stream. Takes its keys out of what is watched when it is dropped.
struct Subscription<K: Clone + Eq + Hash, V: PartialEq> {
    hub: Arc<Inner<K, V>>,
    /// The value last sent of each key, once one was.
    last_sent: Vec<(K, Option<Option<V>>)>,
    has_begun: bool,
    /// The last read that had begun before this stream did.
    since: u64,
    done: watch::Receiver<Done>,
    heartbeat: Interval,
    end: Instant,
}

impl<K, V> Subscription<K, V>
where
    K: Clone + Eq + Hash,
    V: Clone + PartialEq,
{
    fn begin(hub: Arc<Inner<K, V>>, keys: Vec<K>, duration_max: Duration) -> Self {
        let done = hub.done.subscribe();
        let since = {
            let mut state = hub.lock();
            for key in &keys {
                let fresh = || Watched { streams: 0, value: None };
                state.watched.entry(key.clone()).or_insert_with(fresh).streams += 1;
                state.asked.insert(key.clone());
            }
            state.begun
        };
        hub.asked.notify_one();
        let now = Instant::now();
        let mut heartbeat = interval_at(now + hub.pace.heartbeat, hub.pace.heartbeat);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            hub,
            last_sent: keys.into_iter().map(|key| (key, None)).collect(),
            has_begun: false,
            since,
            done,
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
                _ = self.heartbeat.tick(), if self.has_begun => {
                    return Some(Ok(Update::Heartbeat));
                }
                changed = self.done.changed() => changed.ok()?,
            }
            let Done { read, error } = self.done.borrow_and_update().clone();
            if read <= self.since {
                continue;
            }
            if let Some(error) = error {
                match self.has_begun {
                    true => continue,
                    false => return Some(Err(error)),
                }
            }
            let values = self.take_pending();
            if !values.is_empty() {
                self.has_begun = true;
                return Some(Ok(Update::Values(values)));
            }
        }
    }

    /// Returns the values that changed since the last update and records them as sent.
    fn take_pending(&mut self) -> Vec<(K, Option<V>)> {
        let state = self.hub.lock();
        let mut pending = Vec::new();
        for (key, last_sent) in &mut self.last_sent {
            let value = state.watched.get(key).and_then(|watched| watched.value.as_ref());
            if last_sent.as_ref().map(Option::as_ref) != Some(value) {
                let value = value.cloned();
                *last_sent = Some(value.clone());
                pending.push((key.clone(), value));
            }
        }
        pending
    }
}

impl<K: Clone + Eq + Hash, V: PartialEq> Drop for Subscription<K, V> {
    fn drop(&mut self) {
        let mut state = self.hub.lock();
        for (key, _) in &self.last_sent {
            if let Entry::Occupied(mut watched) = state.watched.entry(key.clone()) {
                watched.get_mut().streams -= 1;
                if watched.get().streams == 0 {
                    watched.remove();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
