//! Locks of customers within this replica: of the checkouts of one customer, one goes on at a time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use mesh::{Error, deadline};
use tokio::{
    sync::{Mutex as AsyncMutex, OwnedMutexGuard},
    time::timeout,
};

use crate::order::CustomerId;

/// Most calls that have or wait for the lock of one customer, so that the waiting ones leave the
/// call permits of all methods to others.
const CALLS_MAX: usize = 32;
/// Longest wait for a lock.
const WAIT_MAX: Duration = Duration::from_secs(10);

type Lock = Arc<AsyncMutex<()>>;

/// The locks that a call has or waits for, and some that none needs any more. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct CustomerLocks(Arc<Mutex<HashMap<CustomerId, Lock>>>);

impl CustomerLocks {
    /// Takes the lock of `customer`, after the calls that came before.
    ///
    /// # Errors
    /// OVERLOADED if too many calls wait already, or DEADLINE_EXCEEDED.
    pub(crate) async fn lock(&self, customer: CustomerId) -> Result<OwnedMutexGuard<()>, Error> {
        let lock = self.find(customer)?.lock_owned();
        let wait = deadline::remaining(WAIT_MAX);
        timeout(wait, lock).await.map_err(|_| Error::DeadlineExceeded)
    }

    fn find(&self, customer: CustomerId) -> Result<Lock, Error> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Each call has one reference, and the map another one.
        locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        let lock = locks.entry(customer).or_default();
        if Arc::strong_count(lock) > CALLS_MAX {
            return Err(Error::Overloaded);
        }
        Ok(lock.clone())
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, future::join_all};
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn calls_of_one_customer_wait_for_each_other_and_the_number_of_them_is_bounded() {
        let locks = CustomerLocks::default();
        let [ann, bob] = [1, 2].map(|n| CustomerId(Uuid::from_bytes([n; 16])));
        let first = locks.lock(ann).await.expect("it is free");
        let mut waiting: Vec<_> = (1..CALLS_MAX).map(|_| Box::pin(locks.lock(ann))).collect();
        assert!(waiting.iter_mut().all(|call| call.now_or_never().is_none()));
        assert!(matches!(locks.lock(ann).await, Err(Error::Overloaded)));
        drop(locks.lock(bob).await.expect("another customer has another lock"));

        drop(first);
        let calls = waiting.into_iter().map(|call| call.map(|lock| lock.map(drop)));
        assert!(join_all(calls).await.iter().all(Result::is_ok));
        drop(locks.lock(bob).await.expect("it is free"));
        assert_eq!(locks.0.lock().map(|locks| locks.len()).ok(), Some(1), "that of bob");
    }
}
