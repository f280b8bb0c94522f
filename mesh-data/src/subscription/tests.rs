//! Subscriptions to a table in memory.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::{collections::BTreeMap, pin::pin};

use futures::StreamExt;
use tokio::time::timeout;
use tonic::Code;

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);
const NEVER: Duration = Duration::from_secs(3600);
const QUICK: Pace = Pace { poll: Duration::from_millis(5), heartbeat: NEVER };

/// The table that a hub reads, and the keys of each read.
#[derive(Clone, Default)]
struct Table(Arc<Mutex<Rows>>);

#[derive(Default)]
struct Rows {
    values: BTreeMap<u8, u8>,
    is_down: bool,
    reads: Vec<Vec<u8>>,
}

impl Table {
    fn set(&self, values: &[(u8, u8)]) {
        self.0.lock().unwrap().values.extend(values.iter().copied());
    }

    fn reads(&self) -> Vec<Vec<u8>> {
        self.0.lock().unwrap().reads.clone()
    }

    /// Waits for the end of a read that begins from now on.
    async fn await_read(&self) {
        let before = self.reads().len();
        until(|| self.reads().len() >= before + 2).await;
    }

    fn hub(&self, pace: Pace, process: &Process) -> Hub<u8, u8> {
        let table = self.clone();
        Hub::start_at(pace, process, "test", move |mut keys: Vec<u8>| {
            keys.sort_unstable();
            let mut rows = table.0.lock().unwrap();
            rows.reads.push(keys.clone());
            let found = keys.iter().filter_map(|key| Some((*key, *rows.values.get(key)?)));
            let found = if rows.is_down { Err(Error::Overloaded) } else { Ok(found.collect()) };
            async { found }
        })
    }
}

async fn until(condition: impl Fn() -> bool) {
    let waited = timeout(PATIENCE, async {
        while !condition() {
            tokio::task::yield_now().await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    waited.await.expect("the condition becomes true");
}

async fn next<S>(stream: &mut S) -> S::Item
where
    S: Stream + Unpin,
{
    timeout(PATIENCE, stream.next())
        .await
        .expect("an update arrives")
        .expect("the stream has not ended")
}

fn values(values: &[(u8, Option<u8>)]) -> Update<u8, u8> {
    Update::Values(values.to_vec())
}

#[tokio::test]
async fn a_stream_sends_all_values_first_and_then_the_changes() {
    let (table, process) = (Table::default(), Process::embedded());
    table.set(&[(1, 10), (2, 20)]);
    let hub = table.hub(QUICK, &process);
    let mut stream = pin!(hub.watch(vec![1, 2, 3], NEVER).unwrap());
    let first = next(&mut stream).await.unwrap();
    assert_eq!(first, values(&[(1, Some(10)), (2, Some(20)), (3, None)]));
    table.set(&[(2, 21)]);
    assert_eq!(next(&mut stream).await.unwrap(), values(&[(2, Some(21))]));
    table.0.lock().unwrap().values.remove(&1);
    assert_eq!(next(&mut stream).await.unwrap(), values(&[(1, None)]));
    table.set(&[(1, 11)]);
    assert_eq!(next(&mut stream).await.unwrap(), values(&[(1, Some(11))]), "it existed at first");
}

#[tokio::test]
async fn a_key_without_a_value_is_read_once() {
    let (table, process) = (Table::default(), Process::embedded());
    table.set(&[(1, 10)]);
    let hub = table.hub(QUICK, &process);
    let mut streams: Vec<_> =
        (0..2).map(|_| Box::pin(hub.watch(vec![1, 2, 3], NEVER).unwrap())).collect();
    for stream in &mut streams {
        let first = next(stream).await.unwrap();
        assert_eq!(first, values(&[(1, Some(10)), (2, None), (3, None)]));
    }
    table.await_read().await;
    assert_eq!(table.reads().last().unwrap(), &[1]);
    drop(streams);
    assert!(hub.0.lock().watched.is_empty());
}

#[tokio::test]
async fn a_stream_that_begins_later_gets_the_values_of_that_time() {
    let (table, process) = (Table::default(), Process::embedded());
    table.set(&[(1, 10)]);
    // Polls so rarely that only the begin of a stream causes a read.
    let hub = table.hub(Pace { poll: NEVER, heartbeat: NEVER }, &process);
    let mut early = pin!(hub.watch(vec![1], NEVER).unwrap());
    assert_eq!(next(&mut early).await.unwrap(), values(&[(1, Some(10))]));
    table.set(&[(1, 11)]);
    let mut late = pin!(hub.watch(vec![1], NEVER).unwrap());
    assert_eq!(next(&mut late).await.unwrap(), values(&[(1, Some(11))]));
    assert_eq!(
        next(&mut early).await.unwrap(),
        values(&[(1, Some(11))]),
        "every stream gets the result"
    );
}

#[tokio::test]
async fn one_read_serves_all_streams_and_without_streams_there_is_no_read() {
    let (table, process) = (Table::default(), Process::embedded());
    table.set(&[(1, 10), (2, 20), (3, 30)]);
    let hub = table.hub(QUICK, &process);
    {
        let (mut one, mut two) = (
            pin!(hub.watch(vec![1, 2], NEVER).unwrap()),
            pin!(hub.watch(vec![2, 3], NEVER).unwrap()),
        );
        next(&mut one).await.unwrap();
        next(&mut two).await.unwrap();
        table.await_read().await;
        assert_eq!(table.reads().last().unwrap(), &[1, 2, 3]);
    }
    assert!(hub.0.lock().watched.is_empty());
    let before = table.reads().len();
    let another = timeout(QUICK.poll * 20, until(|| table.reads().len() > before + 1)).await;
    assert!(another.is_err(), "{:?}", table.reads());
}

#[tokio::test]
async fn a_slow_client_gets_only_the_latest_value() {
    let (table, process) = (Table::default(), Process::embedded());
    table.set(&[(1, 0)]);
    let hub = table.hub(QUICK, &process);
    let mut stream = pin!(hub.watch(vec![1], NEVER).unwrap());
    next(&mut stream).await.unwrap();
    for value in 1..=5 {
        table.set(&[(1, value)]);
        table.await_read().await;
    }
    assert_eq!(next(&mut stream).await.unwrap(), values(&[(1, Some(5))]));
    let more = timeout(QUICK.poll * 4, stream.next()).await;
    assert!(more.is_err(), "{more:?}");
}

#[tokio::test]
async fn heartbeats_are_sent_after_the_first_update() {
    let (table, process) = (Table::default(), Process::embedded());
    let hub = table.hub(Pace { heartbeat: Duration::from_millis(5), ..QUICK }, &process);
    let mut stream = pin!(hub.watch(vec![1], NEVER).unwrap());
    assert_eq!(next(&mut stream).await.unwrap(), values(&[(1, None)]), "the values come first");
    for _ in 0..3 {
        assert_eq!(next(&mut stream).await.unwrap(), Update::Heartbeat);
    }
}

#[tokio::test]
async fn a_stream_ends_after_its_duration_and_at_the_drain() {
    let (table, process) = (Table::default(), Process::embedded());
    let hub = table.hub(QUICK, &process);
    let short = pin!(hub.watch(vec![1], Duration::from_millis(20)).unwrap());
    let updates: Vec<_> = timeout(PATIENCE, short.collect()).await.expect("it ends");
    assert_eq!(updates.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [values(&[(1, None)])]);

    let mut long = pin!(hub.watch(vec![1], NEVER).unwrap());
    next(&mut long).await.unwrap();
    process.drain.cancel();
    assert!(timeout(PATIENCE, long.next()).await.expect("it ends").is_none());
}

#[tokio::test]
async fn a_failed_read_ends_only_streams_without_a_first_update() {
    let (table, process) = (Table::default(), Process::embedded());
    table.set(&[(1, 10)]);
    let hub = table.hub(QUICK, &process);
    let mut early = pin!(hub.watch(vec![1], NEVER).unwrap());
    next(&mut early).await.unwrap();
    table.0.lock().unwrap().is_down = true;
    let mut late = pin!(hub.watch(vec![1], NEVER).unwrap());
    assert_eq!(next(&mut late).await.unwrap_err().code(), Code::ResourceExhausted);
    assert!(late.next().await.is_none());
    {
        let mut rows = table.0.lock().unwrap();
        (rows.is_down, rows.values) = (false, BTreeMap::from([(1, 11)]));
    }
    assert_eq!(next(&mut early).await.unwrap(), values(&[(1, Some(11))]));
}

#[tokio::test]
async fn a_stream_with_more_keys_than_may_be_watched_is_rejected() {
    let process = Process::embedded();
    let hub = Hub::start(&process, "test", |_: Vec<usize>| async { Ok(HashMap::<_, u8>::new()) });
    let _most = hub.watch((0..KEYS_MAX).collect(), NEVER).unwrap();
    assert!(matches!(hub.watch(vec![KEYS_MAX], NEVER).err(), Some(Error::Overloaded)));
}
