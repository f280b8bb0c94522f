//! Group commit: requests that arrive during a write are written together by the next one. Each
//! batch is one transaction, and each request gets its own reply.

use std::{future::Future, pin::Pin, sync::Arc};

use tokio::sync::{mpsc, oneshot};

use mesh::Error;

/// Most requests that wait for the next write.
const QUEUE_MAX: usize = 4096;

/// Writes a batch in one transaction. Returns a reply for each request, in their order. After an
/// error, nothing of the batch was written, or its outcome is unknown.
pub trait Write<Request, Reply, E>: Send + Sync + 'static {
    /// Writes `requests`.
    fn write(&self, requests: Arc<[Request]>) -> Writing<Reply, E>;
}

/// The future of a write.
type Writing<Reply, E> = Pin<Box<dyn Future<Output = Result<Vec<Reply>, E>> + Send>>;

impl<Request, Reply, E, F, Fut> Write<Request, Reply, E> for F
where
    F: Fn(Arc<[Request]>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Vec<Reply>, E>> + Send + 'static,
{
    fn write(&self, requests: Arc<[Request]>) -> Writing<Reply, E> {
        Box::pin(self(requests))
    }
}

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
    E: From<Error> + Send + 'static,
{
    /// Starts the writer. A batch has at most `batch_size_max` requests. `name` is a label of the
    /// metric `group_commit_batch_size`.
    pub fn new(
        name: &'static str,
        batch_size_max: usize,
        write: impl Write<Request, Reply, E>,
    ) -> Self {
        let (queue, requests) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(write_batches(name, batch_size_max, write, requests));
        Self { queue }
    }

    /// Writes `request` together with others that are waiting. If the caller stops waiting, the
    /// request may still be written.
    ///
    /// # Errors
    /// The error of the write for this request, or [`Error::Overloaded`].
    pub async fn submit(&self, request: Request) -> Result<Reply, E> {
        let (reply, replied) = oneshot::channel();
        self.queue.try_send(Pending { request, reply }).map_err(|_| Error::Overloaded)?;
        replied.await.unwrap_or_else(|_| Err(Error::internal("the writer ended").into()))
    }
}

async fn write_batches<Request, Reply, E>(
    name: &'static str,
    batch_size_max: usize,
    write: impl Write<Request, Reply, E>,
    mut queue: mpsc::Receiver<Pending<Request, Reply, E>>,
) where
    Request: Clone + Send + Sync + 'static,
    Reply: Send + 'static,
    E: Send + 'static,
{
    let mut batch = Vec::with_capacity(batch_size_max);
    while queue.recv_many(&mut batch, batch_size_max).await > 0 {
        // The deadline of these callers has passed.
        batch.retain(|pending| !pending.reply.is_closed());
        if !batch.is_empty() {
            metrics::histogram!("group_commit_batch_size", "group" => name)
                .record(batch.len() as f64);
            write_batch(&write, &mut batch).await;
        }
    }
}

/// Writes the batch and empties it.
async fn write_batch<Request, Reply, E>(
    write: &impl Write<Request, Reply, E>,
    batch: &mut Vec<Pending<Request, Reply, E>>,
) where
    Request: Clone + Send + Sync + 'static,
{
    let requests: Arc<[Request]> = batch.iter().map(|pending| pending.request.clone()).collect();
    match write.write(requests).await {
        Ok(replies) => {
            assert_eq!(replies.len(), batch.len(), "each request has a reply");
            for (pending, reply) in batch.drain(..).zip(replies) {
                let _ = pending.reply.send(Ok(reply));
            }
        }
        Err(error) if batch.len() == 1 => {
            if let Some(pending) = batch.pop() {
                let _ = pending.reply.send(Err(error));
            }
        }
        // One bad request must not fail the others: each is written again singly.
        Err(_) => {
            for pending in batch.drain(..) {
                let written = write.write(Arc::from([pending.request])).await;
                let reply = written.map(|mut replies| replies.remove(0));
                let _ = pending.reply.send(reply);
            }
        }
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

    #[tokio::test]
    async fn one_bad_request_does_not_fail_the_others() {
        let group = GroupCommit::new("test", 10, |batch: Arc<[i32]>| async move {
            if batch.contains(&13) {
                return Err(Error::internal("unlucky"));
            }
            Ok(batch.to_vec())
        });
        let all = futures::future::join_all((11..16).map(|n| group.submit(n))).await;
        for (n, reply) in (11..16).zip(all) {
            assert_eq!(reply.ok(), (n != 13).then_some(n));
        }
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
