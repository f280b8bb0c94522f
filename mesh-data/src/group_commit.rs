//! Group commit: requests that arrive during a write are written together by the next one. Each
//! batch is one transaction, and each request gets its own reply.
//!
//! A write uses a [`dedicated`](crate::database::Database::dedicated) connection.

use std::{future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use mesh::{
    Error, deadline,
    error::{ServiceError, chain},
};

use crate::database::{is_transient, postgres_unavailable};

/// Most requests that wait for the next write.
const QUEUE_MAX: usize = 4096;
/// Longest wait for the reply, where the caller has no deadline.
const WAIT_DURATION_MAX: Duration = Duration::from_secs(60);
/// Longest duration of a write, also if the server does not respond at all.
const WRITE_DURATION_MAX: Duration = Duration::from_secs(8);

/// Groups requests into batches. Cheap to clone; its writer ends when the last clone is dropped.
pub struct GroupCommit<Request, Reply, E> {
    queue: mpsc::Sender<Pending<Request, Reply, E>>,
}

impl<Request, Reply, E> Clone for GroupCommit<Request, Reply, E> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

/// A request whose caller waits for the reply.
struct Pending<Request, Reply, E> {
    request: Request,
    reply: oneshot::Sender<Result<Reply, E>>,
}

impl<Request, Reply, E> GroupCommit<Request, Reply, E>
where
    Request: Clone + Send + Sync + 'static,
    Reply: Send + 'static,
    E: ServiceError + From<Error> + Send + 'static,
{
    /// Starts the writer. A batch has at most `batch_size_max` requests. `name` is a label of the
    /// metric `group_commit_batch_size`. `write` writes a batch in one transaction, and returns a
    /// reply for each request, in their order. After an error, nothing of the batch was written, or
    /// its outcome is unknown.
    pub fn new<F>(
        name: &'static str,
        batch_size_max: usize,
        write: impl Fn(Arc<[Request]>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Vec<Reply>, E>> + Send + 'static,
    {
        let (queue, requests) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(write_batches(name, batch_size_max, write, requests));
        Self { queue }
    }

    /// Writes `request` together with others that are waiting. If the caller stops waiting or its
    /// deadline passes, the request is removed from the queue, or its outcome is unknown.
    ///
    /// # Errors
    /// The error of the write for this request; [`Error::Unavailable`] after a transient one of its
    /// batch, whose outcome may be unknown; [`Error::DeadlineExceeded`]; [`Error::Overloaded`].
    pub async fn submit(&self, request: Request) -> Result<Reply, E> {
        let (reply, replied) = oneshot::channel();
        self.queue.try_send(Pending { request, reply }).map_err(|_| Error::Overloaded)?;
        match timeout(deadline::remaining(WAIT_DURATION_MAX), replied).await {
            Err(_) => Err(Error::DeadlineExceeded.into()),
            Ok(Err(_)) => Err(Error::internal("the writer ended").into()),
            Ok(Ok(replied)) => replied,
        }
    }
}

async fn write_batches<Request, Reply, E, F>(
    name: &'static str,
    batch_size_max: usize,
    write: impl Fn(Arc<[Request]>) -> F,
    mut queue: mpsc::Receiver<Pending<Request, Reply, E>>,
) where
    Request: Clone,
    E: ServiceError + From<Error> + 'static,
    F: Future<Output = Result<Vec<Reply>, E>>,
{
    let mut batch = Vec::with_capacity(batch_size_max);
    while queue.recv_many(&mut batch, batch_size_max).await > 0 {
        let size = batch.iter().filter(|pending| pending.is_awaited()).count();
        if size > 0 {
            metrics::histogram!("group_commit_batch_size", "group" => name).record(size as f64);
        }
        write_batch(&write, std::mem::take(&mut batch)).await;
    }
}

impl<Request, Reply, E> Pending<Request, Reply, E> {
    /// Returns whether the caller still waits.
    fn is_awaited(&self) -> bool {
        !self.reply.is_closed()
    }
}

/// Writes the batch. After a transient error all that is left of it fails, since the next write
/// would wait as long and fail as well. After another error the batch is split in halves until the
/// bad request is alone.
async fn write_batch<Request, Reply, E, F>(
    write: &impl Fn(Arc<[Request]>) -> F,
    batch: Vec<Pending<Request, Reply, E>>,
) where
    Request: Clone,
    E: ServiceError + From<Error> + 'static,
    F: Future<Output = Result<Vec<Reply>, E>>,
{
    let mut parts = vec![batch];
    while let Some(mut part) = parts.pop() {
        part.retain(Pending::is_awaited);
        if part.is_empty() {
            continue;
        }
        match write_once(write, &part).await {
            Ok(replies) => {
                for (pending, reply) in part.into_iter().zip(replies) {
                    let _ = pending.reply.send(Ok(reply));
                }
            }
            Err(error) if is_transient(&error) => {
                let cause = chain(&error);
                for pending in parts.into_iter().chain([part]).flatten() {
                    let error = postgres_unavailable(&*cause);
                    let _ = pending.reply.send(Err(error.into()));
                }
                return;
            }
            Err(error) if part.len() == 1 => {
                if let Some(pending) = part.pop() {
                    let _ = pending.reply.send(Err(error));
                }
            }
            Err(_) => {
                let second_half = part.split_off(part.len() / 2);
                parts.extend([second_half, part]);
            }
        }
    }
}

/// Writes the requests in one transaction. A panic is an error of the write, so the writer goes on
/// with the next batch.
async fn write_once<Request, Reply, E, F>(
    write: &impl Fn(Arc<[Request]>) -> F,
    batch: &[Pending<Request, Reply, E>],
) -> Result<Vec<Reply>, E>
where
    Request: Clone,
    E: From<Error>,
    F: Future<Output = Result<Vec<Reply>, E>>,
{
    let requests: Arc<[Request]> = batch.iter().map(|pending| pending.request.clone()).collect();
    let writing = AssertUnwindSafe(async { write(requests).await }).catch_unwind();
    match timeout(WRITE_DURATION_MAX, writing).await {
        Err(_) => Err(postgres_unavailable("the write took too long").into()),
        Ok(Err(_)) => Err(Error::internal("the write panicked").into()),
        Ok(Ok(Ok(replies))) if replies.len() != batch.len() => {
            Err(Error::internal("a request has no reply").into())
        }
        Ok(Ok(written)) => written,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test ends where it fails")]
mod tests {
    use super::*;
    use futures::{StreamExt, stream::FuturesUnordered};
    use std::sync::Mutex;
    use tokio::sync::Semaphore;

    #[tokio::test]
    async fn requests_that_arrive_during_a_write_are_written_by_the_next_one() {
        let batches = Arc::new(Mutex::new(Vec::new()));
        let gate = Arc::new(Semaphore::new(0));
        let group = GroupCommit::new("test", 10, {
            let (batches, gate) = (batches.clone(), gate.clone());
            move |batch: Arc<[i32]>| {
                batches.lock().unwrap().push(batch.to_vec());
                let gate = gate.clone();
                async move {
                    gate.acquire().await.unwrap().forget();
                    Ok::<_, Error>(batch.iter().map(|n| n * 10).collect())
                }
            }
        });
        let submit = |n| {
            let group = group.clone();
            tokio::spawn(async move { group.submit(n).await.unwrap() })
        };
        let first = submit(1);
        while batches.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        let others = [submit(2), submit(3)];
        while group.queue.capacity() > QUEUE_MAX - 2 {
            tokio::task::yield_now().await;
        }
        gate.add_permits(2);

        assert_eq!(first.await.unwrap(), 10);
        for (other, reply) in others.into_iter().zip([20, 30]) {
            assert_eq!(other.await.unwrap(), reply);
        }
        assert_eq!(*batches.lock().unwrap(), vec![vec![1], vec![2, 3]]);
    }

    /// A writer of batches of 64 that fails for those that `fails` selects, and counts its writes.
    fn counting_writer(
        fails: impl Fn(&[i32]) -> Result<(), Error> + Send + Sync + 'static,
    ) -> (GroupCommit<i32, i32, Error>, Arc<Mutex<usize>>) {
        let writes = Arc::<Mutex<usize>>::default();
        let fails = Arc::new(fails);
        let group = GroupCommit::new("test", 64, {
            let writes = writes.clone();
            move |batch: Arc<[i32]>| {
                *writes.lock().unwrap() += 1;
                let fails = fails.clone();
                async move { fails(&batch).map(|()| batch.to_vec()) }
            }
        });
        (group, writes)
    }

    #[tokio::test]
    async fn one_bad_request_of_64_costs_a_logarithmic_number_of_writes() {
        let (group, writes) = counting_writer(|batch| {
            if batch.contains(&13) { Err(Error::internal("unlucky")) } else { Ok(()) }
        });
        let all = futures::future::join_all((0..64).map(|n| group.submit(n))).await;
        for (n, reply) in (0..64).zip(all) {
            assert_eq!(reply.ok(), (n != 13).then_some(n));
        }
        assert_eq!(*writes.lock().unwrap(), 13, "the whole, and two halves for each of six levels");
    }

    #[tokio::test]
    async fn a_panic_fails_only_its_request_and_the_writer_goes_on() {
        let (group, _) = counting_writer(|batch| {
            assert!(!batch.contains(&13), "unlucky");
            Ok(())
        });
        let all = futures::future::join_all((0..64).map(|n| group.submit(n))).await;
        for (n, reply) in (0..64).zip(all) {
            assert_eq!(reply.ok(), (n != 13).then_some(n));
        }
        assert_eq!(group.submit(1).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_transient_error_fails_the_whole_batch_after_one_write() {
        let (group, writes) = counting_writer(|_| Err(Error::DeadlineExceeded));
        let all = futures::future::join_all((0..64).map(|n| group.submit(n))).await;
        for reply in all {
            assert!(matches!(reply, Err(Error::Unavailable { .. })), "{reply:?}");
        }
        assert_eq!(*writes.lock().unwrap(), 1);
    }

    #[tokio::test]
    async fn a_write_without_a_response_ends_and_the_next_one_succeeds() {
        let group = GroupCommit::new("test", 10, |batch: Arc<[i32]>| async move {
            if batch.contains(&13) {
                std::future::pending::<()>().await;
            }
            Ok::<_, Error>(batch.to_vec())
        });
        let stuck = timeout(Duration::from_secs(60), group.submit(13)).await;
        let stuck = stuck.expect("the write ends");
        assert!(matches!(stuck, Err(Error::Unavailable { .. })), "{stuck:?}");
        assert_eq!(group.submit(1).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_caller_that_left_costs_no_further_write() {
        let gate = Arc::new(Semaphore::new(0));
        let (started, mut starts) = mpsc::channel(10);
        let group = GroupCommit::new("test", 10, {
            let gate = gate.clone();
            move |batch: Arc<[i32]>| {
                started.try_send(batch.to_vec()).unwrap();
                let gate = gate.clone();
                async move {
                    gate.acquire().await.unwrap().forget();
                    if batch.len() > 1 { Err(Error::internal("bad")) } else { Ok(batch.to_vec()) }
                }
            }
        });
        let mut submits = [1, 2].map(|n| Some(Box::pin(group.submit(n))));
        for submit in submits.iter_mut().flatten() {
            assert!(submit.now_or_never().is_none());
        }
        assert_eq!(starts.recv().await.unwrap(), [1, 2]);
        submits[0] = None;
        gate.add_permits(10);
        assert_eq!(submits[1].take().unwrap().await.unwrap(), 2);
        assert_eq!(starts.recv().await.unwrap(), [2]);
        assert!(starts.try_recv().is_err());
    }

    #[tokio::test]
    async fn requests_beyond_the_queue_are_shed() {
        let group = GroupCommit::new("test", 1, |_: Arc<[usize]>| {
            std::future::pending::<Result<Vec<usize>, Error>>()
        });
        let submits = (0..QUEUE_MAX + 2).map(|n| group.submit(n));
        let mut submits: FuturesUnordered<_> = submits.collect();
        assert!(matches!(submits.next().await, Some(Err(Error::Overloaded))));
        assert_eq!(submits.len(), QUEUE_MAX + 1, "the others wait");
    }
}
