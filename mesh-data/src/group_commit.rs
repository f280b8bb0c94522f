//! Group commit: requests that arrive while a write is under way are written together
//! by the next one. Collect, one transaction, each request its own answer.

use std::{future::Future, pin::Pin, sync::Arc};

use tokio::sync::{mpsc, oneshot};

use mesh::Error;

/// Requests that wait for the next write.
const QUEUE_MAX: usize = 4096;

/// Writes a batch in one transaction: an answer for each request in their order, or
/// an error that says that nothing of the batch was written, or may not have been.
pub trait Write<Q, A, E>: Send + Sync + 'static {
    /// Writes `requests`.
    fn write(&self, requests: Arc<[Q]>) -> Pin<Box<dyn Future<Output = Result<Vec<A>, E>> + Send>>;
}

impl<Q, A, E, F, Fut> Write<Q, A, E> for F
where
    F: Fn(Arc<[Q]>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Vec<A>, E>> + Send + 'static,
{
    fn write(&self, requests: Arc<[Q]>) -> Pin<Box<dyn Future<Output = Result<Vec<A>, E>> + Send>> {
        Box::pin(self(requests))
    }
}

/// Puts requests into groups. Cheap to clone; ends with its last clone.
pub struct GroupCommit<Q, A, E> {
    queue: mpsc::Sender<Waiting<Q, A, E>>,
}

impl<Q, A, E> Clone for GroupCommit<Q, A, E> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

struct Waiting<Q, A, E> {
    request: Q,
    answer: oneshot::Sender<Result<A, E>>,
}

impl<Q, A, E> GroupCommit<Q, A, E>
where
    Q: Clone + Send + Sync + 'static,
    A: Send + 'static,
    E: From<Error> + Send + 'static,
{
    /// Starts one writer. A batch has at most `batch_size_max` requests.
    pub fn new(name: &'static str, batch_size_max: usize, write: impl Write<Q, A, E>) -> Self {
        let (queue, requests) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(keep_writing(name, batch_size_max, write, requests));
        Self { queue }
    }

    /// Writes `request` together with what else is waiting. A caller that goes away
    /// leaves the queue; its request may be written all the same.
    ///
    /// # Errors
    /// What the write answers to this request, or [`Error::Overloaded`].
    pub async fn submit(&self, request: Q) -> Result<A, E> {
        let (answer, answered) = oneshot::channel();
        self.queue.try_send(Waiting { request, answer }).map_err(|_| Error::Overloaded)?;
        answered.await.unwrap_or_else(|_| Err(Error::internal("the writer ended").into()))
    }
}

async fn keep_writing<Q, A, E>(
    name: &'static str,
    batch_size_max: usize,
    write: impl Write<Q, A, E>,
    mut requests: mpsc::Receiver<Waiting<Q, A, E>>,
) where
    Q: Clone + Send + Sync + 'static,
    A: Send + 'static,
    E: Send + 'static,
{
    let mut waiting = Vec::with_capacity(batch_size_max);
    while requests.recv_many(&mut waiting, batch_size_max).await > 0 {
        // A caller whose deadline has passed is not written for.
        waiting.retain(|waiting| !waiting.answer.is_closed());
        if waiting.is_empty() {
            continue;
        }
        metrics::histogram!("group_commit_batch_size", "group" => name)
            .record(waiting.len() as f64);
        let batch: Arc<[Q]> = waiting.iter().map(|waiting| waiting.request.clone()).collect();
        match write.write(batch.clone()).await {
            Ok(answers) => {
                assert_eq!(answers.len(), batch.len(), "each request has its answer");
                for (waiting, answer) in waiting.drain(..).zip(answers) {
                    let _ = waiting.answer.send(Ok(answer));
                }
            }
            Err(error) if waiting.len() == 1 => {
                if let Some(alone) = waiting.pop() {
                    let _ = alone.answer.send(Err(error));
                }
            }
            // One bad request harms nobody else: each runs again by itself.
            Err(_) => {
                for waiting in waiting.drain(..) {
                    let written = write.write(Arc::from([waiting.request])).await;
                    let answer = written.map(|mut answers| answers.remove(0));
                    let _ = waiting.answer.send(answer);
                }
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test ends where it fails")]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use tokio::sync::Semaphore;

    #[tokio::test]
    async fn what_arrives_during_a_write_is_written_by_the_next() {
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
        for (other, answer) in others.into_iter().zip([20, 30]) {
            assert_eq!(other.await.unwrap(), answer);
        }
        assert_eq!(*batches.lock().unwrap(), vec![vec![1], vec![2, 3]]);
    }

    #[tokio::test]
    async fn one_bad_request_harms_nobody_else() {
        let group = GroupCommit::new("test", 10, |batch: Arc<[i32]>| async move {
            match batch.contains(&13) {
                true => Err(Error::internal("unlucky")),
                false => Ok(batch.to_vec()),
            }
        });
        let all = futures::future::join_all((11..16).map(|n| group.submit(n))).await;
        for (n, answer) in (11..16).zip(all) {
            assert_eq!(answer.ok(), (n != 13).then_some(n));
        }
    }
}
