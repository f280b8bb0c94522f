//! The client that a call comes from, which limits count by, and the streams that it has open.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::HeaderMap;
use uuid::Uuid;

use crate::{
    access::{Access, Method},
    error::Error,
    identity::Claims,
    server::Peer,
};

/// The only program whose `x-forwarded-for` is trusted.
const GATEWAY: &str = "gateway";
/// How many bits of an IPv6 address are its network.
const IPV6_PREFIX_BITS: u32 = 48;

/// A network: an IPv4 address, or the /48 of an IPv6 address, which is what a provider assigns to
/// one site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl Network {
    /// Returns the network of an address.
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                let prefix = address.to_bits() & (u128::MAX << (128 - IPV6_PREFIX_BITS));
                Ipv6Addr::from_bits(prefix).into()
            }
            address => address,
        })
    }

    /// Returns the bytes of its first address.
    pub fn bytes(&self) -> Vec<u8> {
        match self.0 {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        }
    }
}

/// Returns the network of the address that the gateway forwards, or of that of the peer.
pub(crate) fn read_network(headers: &HeaderMap, extensions: &http::Extensions) -> Option<Network> {
    let peer = extensions.get::<Peer>()?;
    let forwarded = headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
    let forwarded = forwarded.filter(|_| peer.certificate_name.as_deref() == Some(GATEWAY));
    let address = forwarded.and_then(|text| text.trim().parse().ok());
    Some(Network::of(address.unwrap_or(peer.address.ip())))
}

/// Returns the network of the client, which the call policy stored in the extensions of `request`.
///
/// # Errors
/// An internal error outside of a server.
pub fn network<T>(request: &tonic::Request<T>) -> Result<Network, Error> {
    let network = request.extensions().get().copied();
    network.ok_or_else(|| Error::internal("a call without a peer"))
}

/// Whose streams count together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Client {
    /// An account or an API client.
    Account(Uuid),
    /// Of a public method; `None` outside of a server.
    Network(Option<Network>),
}

/// The open streams of each client: live updates, and all others. Cheap to clone.
#[derive(Clone)]
pub struct ClientStreams {
    streams_max: usize,
    open: Arc<Mutex<Open>>,
}

/// The number of streams of each client and kind. Those without a stream are not in it.
type Open = HashMap<(Client, bool), usize>;

impl ClientStreams {
    /// Creates the limit: `streams_max` of each kind.
    pub fn new(streams_max: usize) -> Self {
        Self { streams_max, open: Arc::default() }
    }

    /// Returns the permit of a stream of `method` for the client of a request with these
    /// `extensions`; `None` for a call that is no stream, or whose caller is a service.
    ///
    /// # Errors
    /// [`Error::Overloaded`] above the limit.
    pub(crate) fn acquire(
        &self,
        method: &Method,
        extensions: &http::Extensions,
    ) -> Result<Option<ClientStreamPermit>, Error> {
        if !method.streaming || matches!(method.access, Access::Internal { .. }) {
            return Ok(None);
        }
        let account = extensions.get::<Arc<Claims>>().map(|claims| Client::Account(claims.sub));
        let network = || Client::Network(extensions.get().copied());
        let key = (account.unwrap_or_else(network), method.resumable);
        let mut open = lock(&self.open);
        let streams = open.get(&key).copied().unwrap_or_default();
        if streams >= self.streams_max {
            return Err(Error::Overloaded);
        }
        open.insert(key, streams + 1);
        Ok(Some(ClientStreamPermit { open: self.open.clone(), key }))
    }
}

/// The right of a client to one stream.
pub(crate) struct ClientStreamPermit {
    open: Arc<Mutex<Open>>,
    key: (Client, bool),
}

impl Drop for ClientStreamPermit {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        if let Some(streams) = open.get_mut(&self.key) {
            *streams -= 1;
            if *streams == 0 {
                open.remove(&self.key);
            }
        }
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

    use super::*;

    fn network(text: &str) -> Network {
        Network::of(text.parse().unwrap())
    }

    #[test]
    fn only_the_gateway_may_forward_an_address() {
        for (name, forwarded, want) in [
            (Some("gateway"), Some("10.9.8.7"), "10.9.8.7"),
            (Some("gateway"), Some("2001:db8::1"), "2001:db8::1"),
            (Some("gateway"), Some("nonsense"), "10.0.0.1"),
            (Some("gateway"), None, "10.0.0.1"),
            (Some("order-svc"), Some("10.9.8.7"), "10.0.0.1"),
            (None, Some("10.9.8.7"), "10.0.0.1"),
        ] {
            let (mut headers, mut extensions) = (HeaderMap::new(), http::Extensions::new());
            let certificate_name = name.map(Arc::from);
            let address = "10.0.0.1:1".parse().unwrap();
            extensions.insert(Peer { address, certificate_name, calls: None });
            if let Some(forwarded) = forwarded {
                headers.insert("x-forwarded-for", forwarded.parse().unwrap());
            }
            let read = read_network(&headers, &extensions);
            assert_eq!(read, Some(network(want)), "{name:?} {forwarded:?}");
        }
    }

    #[test]
    fn a_network_is_an_ipv4_address_or_48_bits_of_an_ipv6_address() {
        assert_eq!(network("10.0.0.1"), network("::ffff:10.0.0.1"));
        assert_ne!(network("10.0.0.1"), network("10.0.0.2"));
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:ffff:ffff::9"));
        assert_ne!(network("2001:db8:1::1"), network("2001:db8:2::1"));
    }
}
