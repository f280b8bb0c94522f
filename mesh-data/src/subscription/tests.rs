//! A hub over a table that lives in the test.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::{collections::BTreeMap, pin::pin};

use futures::StreamExt;
use tokio::time::timeout;
use tonic::Code;

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);
const NEVER: Duration = Duration::from_secs(3600);
const QUICK: Pace = Pace { poll: Duration::from_millis(5), heartbeat: NEVER };

/// What is read, and the keys of each read so far.
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

    /// Waits for a read that begins after now, and the end of the one before.
    async fn is_read_anew(&self) {
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
            let found = match rows.is_down {
                true => Err(Error::Overloaded),
                false => Ok(found.collect()),
            };
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
    waited.await.expect("it comes true");
}

async fn next<S>(stream: &mut S) -> S::Item
where
    S: Stream + Unpin,
{
    timeout(PATIENCE, stream.next()).await.expect("it comes").expect("the stream goes on")
}

fn values(values: &[(u8, Option<u8>)]) -> Update<u8, u8> {
    Update::Values(values.to_vec())
}

#[tokio::test]
async fn what_is_there_comes_first_and_then_what_changes() {
    let (table, process) = (Table::default(), Process::embedded());
    table.set(&[(1, 10), (2, 20)]);
    let hub = table.hub(QUICK, &process);
    let mut stream = pin!(hub.watch(vec![1, 2, 3], NEVER).unwrap());
    let first = next(&mut stream).await.unwrap();
    assert_eq!(first, values(&[(1, Some(10)), (2, Some(20)), (3, None)]));
    table.set(&[(3, 30)]);
    assert_eq!(next(&mut stream).await.unwrap(), values(&[(3, Some(30))]));
    table.0.lock().unwrap().values.remove(&1);
    assert_eq!(next(&mut stream).await.unwrap(), values(&[(1, None)]));
}

#[tokio::test]
async fn a_stream_that_begins_later_is_told_what_is_there_then() {
    let (table, process) = (Table::default(), Process::embedded());
    table.set(&[(1, 10)]);
    // So slow that only a beginning makes it read.
    let hub = table.hub(Pace { poll: NEVER, heartbeat: NEVER }, &process);
    let mut early = pin!(hub.watch(vec![1], NEVER).unwrap());
    assert_eq!(next(&mut early).await.unwrap(), values(&[(1, Some(10))]));
    table.set(&[(1, 11)]);
    let mut late = pin!(hub.watch(vec![1], NEVER).unwrap());
    assert_eq!(next(&mut late).await.unwrap(), values(&[(1, Some(11))]));
    assert_eq!(next(&mut early).await.unwrap(), values(&[(1, Some(11))]), "all hear of a read");
}

#[tokio::test]
async fn one_read_serves_all_streams_and_none_is_made_for_nobody() {
    let (table, process) = (Table::default(), Process::embedded());
    let hub = table.hub(QUICK, &process);
    {
        let (mut one, mut two) = (
            pin!(hub.watch(vec![1, 2], NEVER).unwrap()),
            pin!(hub.watch(vec![2, 3], NEVER).unwrap()),
        );
        next(&mut one).await.unwrap();
        next(&mut two).await.unwrap();
        table.is_read_anew().await;
        assert_eq!(table.reads().last().unwrap(), &[1, 2, 3]);
    }
    assert!(hub.0.lock().watched.is_empty());
    let before = table.reads().len();
    let another = timeout(QUICK.poll * 20, until(|| table.reads().len() > before + 1)).await;
    assert!(another.is_err(), "{:?}", table.reads());
}

#[tokio::test]
async fn a_slow_client_is_told_only_the_latest() {
    let (table, process) = (Table::default(), Process::embedded());
    table.set(&[(1, 0)]);
    let hub = table.hub(QUICK, &process);
    let mut stream = pin!(hub.watch(vec![1], NEVER).unwrap());
    next(&mut stream).await.unwrap();
    for value in 1..=5 {
        table.set(&[(1, value)]);
        table.is_read_anew().await;
    }
    assert_eq!(next(&mut stream).await.unwrap(), values(&[(1, Some(5))]));
    let more = timeout(QUICK.poll * 4, stream.next()).await;
    assert!(more.is_err(), "{more:?}");
}

#[tokio::test]
async fn heartbeats_come_with_and_without_news() {
    let (table, process) = (Table::default(), Process::embedded());
    let hub = table.hub(Pace { heartbeat: Duration::from_millis(5), ..QUICK }, &process);
    let mut stream = pin!(hub.watch(vec![1], NEVER).unwrap());
    assert_eq!(next(&mut stream).await.unwrap(), values(&[(1, None)]), "news come first");
    for _ in 0..3 {
        assert_eq!(next(&mut stream).await.unwrap(), Update::Heartbeat);
    }
}

#[tokio::test]
async fn a_stream_ends_at_its_time_and_all_end_at_the_drain() {
    let (table, process) = (Table::default(), Process::embedded());
    let hub = table.hub(QUICK, &process);
    let short = pin!(hub.watch(vec![1], Duration::from_millis(20)).unwrap());
    let told: Vec<_> = timeout(PATIENCE, short.collect()).await.expect("it ends");
    assert_eq!(told.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [values(&[(1, None)])]);

    let mut long = pin!(hub.watch(vec![1], NEVER).unwrap());
    next(&mut long).await.unwrap();
    process.drain.cancel();
    assert!(timeout(PATIENCE, long.next()).await.expect("it ends").is_none());
}

#[tokio::test]
async fn a_read_that_fails_ends_only_a_stream_that_was_told_nothing() {
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
async fn more_keys_than_are_watched_at_once_are_refused() {
    let process = Process::embedded();
    let hub = Hub::start(&process, "test", |_: Vec<usize>| async { Ok(HashMap::<_, u8>::new()) });
    let _most = hub.watch((0..KEYS_MAX).collect(), NEVER).unwrap();
    assert!(matches!(hub.watch(vec![KEYS_MAX], NEVER).err(), Some(Error::Overloaded)));
}
