//! The bounded queue of password work. It admits a call before any other work, or rejects it at once
//! with OVERLOADED.
//!
//! **Invariant:** calls of password methods hold at most a quarter of the call permits that all methods
//! share, so that a flood of logins leaves the other methods alone.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mesh::{Error, client::Network};

/// Most calls in flight per core that hashes: about 2 seconds of work at 25 ms a hash.
const CALLS_PER_CORE_MAX: usize = 80;
/// Largest share of the call permits of all methods: a quarter.
const CALLS_SHARE: usize = 4;

/// Counts the calls in flight, in all and per network. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Queue {
    calls_max: usize,
    calls_per_network_max: usize,
    in_flight: Arc<Mutex<InFlight>>,
}

#[derive(Default)]
struct InFlight {
    total: usize,
    /// Only networks with a call in flight.
    per_network: HashMap<Network, usize>,
}

impl Queue {
    /// Creates the queue of a service that hashes on `cores` and whose methods share
    /// `call_permits` permits.
    pub(crate) fn new(cores: usize, call_permits: usize, calls_per_network_max: usize) -> Self {
        let calls_max = (cores * CALLS_PER_CORE_MAX).min(call_permits / CALLS_SHARE).max(1);
        Self { calls_max, calls_per_network_max, in_flight: Arc::default() }
    }

    /// Admits a call of `network`.
    ///
    /// # Errors
    /// OVERLOADED if the queue is full or `network` has too many calls in flight.
    pub(crate) fn admit(&self, network: Network) -> Result<Admission, Error> {
        let mut in_flight = self.lock();
        let of_network = in_flight.per_network.get(&network).copied().unwrap_or(0);
        if in_flight.total >= self.calls_max || of_network >= self.calls_per_network_max {
            return Err(Error::Overloaded);
        }
        in_flight.total += 1;
        in_flight.per_network.insert(network, of_network + 1);
        Ok(Admission { queue: self.clone(), network })
    }

    fn lock(&self) -> MutexGuard<'_, InFlight> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The admission of one call, which ends when it is dropped.
pub(crate) struct Admission {
    queue: Queue,
    network: Network,
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut in_flight = self.queue.lock();
        in_flight.total -= 1;
        if let Some(calls) = in_flight.per_network.get_mut(&self.network) {
            *calls -= 1;
            if *calls == 0 {
                in_flight.per_network.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(host: u8) -> Network {
        Network::of([10, 0, 0, host].into())
    }

    #[test]
    fn a_network_has_a_few_calls_in_flight_and_others_have_theirs() {
        let queue = Queue::new(1, 1024, 4);
        let mut calls: Vec<_> = (0..4).map(|_| queue.admit(network(1)).expect("room")).collect();
        assert!(matches!(queue.admit(network(1)), Err(Error::Overloaded)));
        calls.push(queue.admit(network(2)).expect("another network has its own limit"));
        calls.remove(0);
        calls.push(queue.admit(network(1)).expect("a call has ended"));
        drop(calls);
        let in_flight = queue.lock();
        assert_eq!((in_flight.total, in_flight.per_network.len()), (0, 0));
    }

    #[test]
    fn the_queue_is_bounded_by_its_work_and_by_the_call_permits() {
        for (cores, call_permits, calls_max) in [(1, 1024, 80), (8, 1024, 256), (2, 2, 1)] {
            let queue = Queue::new(cores, call_permits, 1000);
            let admit = |n: usize| queue.admit(network((n % 256) as u8));
            let calls: Vec<_> = (0..calls_max).map(|n| admit(n).expect("room")).collect();
            assert!(matches!(admit(0), Err(Error::Overloaded)), "{cores} {call_permits}");
            drop(calls);
            assert!(admit(0).is_ok());
        }
    }
}
