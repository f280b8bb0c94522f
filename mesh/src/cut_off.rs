//! Cuts off clients that do not read. While the flow-control window of a client is closed, hyper
//! does not poll the response body, so a deadline within the body never fires. The server therefore
//! runs each request in a scope with a timer of its own, at whose end it drops the request with
//! everything that the response holds: permits, and the stream of another service.

use std::{
    cell::Cell,
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

/// How long after the deadline of its call a client may take to read the response.
pub const NOTICE: Duration = Duration::from_secs(5);

tokio::task_local! {
    static TIME: Cell<Option<Instant>>;
}

/// Drops the current request at `time`, if its response has not ended by then. Over HTTP/2 its
/// stream is reset, over HTTP/1.1 its connection is closed. `None`: the request is not dropped.
pub fn at(time: Option<Instant>) {
    // Without a server around it, such as in a test, a request has nothing to drop.
    let _ = TIME.try_with(|current| current.set(time));
}

/// Runs `work` until it ends, or until the time that it sets with [`at`].
pub(crate) async fn scope<F: Future>(work: F) -> Option<F::Output> {
    let work = async move {
        let mut work = pin!(work);
        // Created only for a request that has to wait after it has set a time.
        let mut timer: Option<Pin<Box<Sleep>>> = None;
        poll_fn(|cx| {
            if let Poll::Ready(output) = work.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            let Some(time) = TIME.with(Cell::get) else { return Poll::Pending };
            let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(time)));
            if timer.deadline() != time {
                timer.as_mut().reset(time);
            }
            timer.as_mut().poll(cx).map(|()| None)
        })
        .await
    };
    TIME.scope(Cell::new(None), work).await
}

#[cfg(test)]
mod tests {
    use std::{future::pending, sync::Arc};

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn work_that_never_ends_is_dropped_at_the_time_that_it_sets_last() {
        let held = Arc::new(());
        let guard = held.clone();
        let ended = scope(async move {
            let _guard = guard;
            at(Some(Instant::now() + Duration::from_secs(3600)));
            tokio::task::yield_now().await;
            at(Some(Instant::now() + Duration::from_millis(1)));
            pending::<()>().await;
        });
        let ended = timeout(Duration::from_secs(60), ended).await;
        assert_eq!(ended.expect("the work is dropped"), None);
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[tokio::test]
    async fn work_without_a_time_takes_as_long_as_it_takes() {
        let ended = scope(async {
            at(Some(Instant::now()));
            at(None);
            tokio::time::sleep(Duration::from_millis(20)).await;
        });
        assert_eq!(ended.await, Some(()));
    }
}
