//! What each client address has open: connections and calls.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Semaphore;

/// What a client from outside the mesh may keep open.
#[derive(Clone)]
pub struct ClientLimits {
    /// Most connections of one address.
    pub connections_max: usize,
    /// Most calls in flight of one address.
    pub calls_max: usize,
    /// Returns whether an address is exempt from both: a proxy before many clients.
    pub is_proxy: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
    /// How long a connection may take to its first request.
    pub first_request_duration_max: Duration,
    /// How long a connection may be without a request after that.
    pub idle_duration_max: Duration,
}

/// The addresses with open connections, within the limits of each.
pub(super) struct Addresses {
    connections_max: usize,
    calls_max: usize,
    open: Mutex<HashMap<IpAddr, Address>>,
}

struct Address {
    connections: usize,
    calls: Arc<Semaphore>,
}

/// The right to one connection from an address.
pub(super) struct AddressPermit {
    addresses: Arc<Addresses>,
    address: IpAddr,
    /// One permit for each call of the address.
    pub(super) calls: Arc<Semaphore>,
}

impl Addresses {
    pub(super) fn new(connections_max: usize, calls_max: usize) -> Self {
        Self { connections_max, calls_max, open: Mutex::default() }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, Address>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a permit for one more connection from `address`; `None` above the limit.
    pub(super) fn acquire(self: &Arc<Self>, address: IpAddr) -> Option<AddressPermit> {
        let address = client_of(address);
        let mut open = self.open();
        let entry = open.entry(address).or_insert_with(|| Address {
            connections: 0,
            calls: Arc::new(Semaphore::new(self.calls_max)),
        });
        if entry.connections >= self.connections_max {
            return None;
        }
        entry.connections += 1;
        Some(AddressPermit { addresses: self.clone(), address, calls: entry.calls.clone() })
    }
}

impl Drop for AddressPermit {
    fn drop(&mut self) {
        let mut open = self.addresses.open();
        if let Some(entry) = open.get_mut(&self.address) {
            entry.connections -= 1;
            if entry.connections == 0 {
                open.remove(&self.address);
            }
        }
    }
}

/// Returns what stands for one client: an IPv4 address, or the first half of an IPv6 address, since
/// a client has the whole other half.
fn client_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

    use super::*;

    #[test]
    fn an_address_has_a_limit_of_its_own_and_is_forgotten_with_its_last_connection() {
        let addresses = Arc::new(Addresses::new(2, 1));
        let acquire = |address: &str| addresses.acquire(address.parse().unwrap());
        let (one, two) = (acquire("192.0.2.1").unwrap(), acquire("192.0.2.1").unwrap());
        assert!(acquire("192.0.2.1").is_none());
        assert!(acquire("::ffff:192.0.2.1").is_none(), "the same address");
        let other = acquire("192.0.2.2").unwrap();
        assert!(Arc::ptr_eq(&one.calls, &two.calls) && !Arc::ptr_eq(&one.calls, &other.calls));
        drop(one);
        assert!(acquire("192.0.2.1").is_some());
        drop((two, other));
        assert!(addresses.open().is_empty());
    }

    #[test]
    fn all_addresses_of_an_ipv6_network_are_one_client() {
        let addresses = Arc::new(Addresses::new(1, 1));
        let _open = addresses.acquire("2001:db8::1".parse().unwrap()).unwrap();
        assert!(addresses.acquire("2001:db8::ffff:2".parse().unwrap()).is_none());
        assert!(addresses.acquire("2001:db8:0:1::1".parse().unwrap()).is_some());
    }
}
