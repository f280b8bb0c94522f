//! The network that a call comes from, which limits count by.

use std::net::IpAddr;

use mesh::server::Peer;
use tonic::Request;

use super::Result;
use crate::limit::Subject;

/// The only service whose `x-forwarded-for` is trusted.
const GATEWAY: &str = "gateway";

pub(crate) fn client_network<T>(request: &Request<T>) -> Result<Subject> {
    client_address(request).map(Subject::network)
}

/// Returns the address that the gateway forwards, or that of the caller.
fn client_address<T>(request: &Request<T>) -> Result<IpAddr> {
    let peer = request.extensions().get::<Peer>();
    let peer = peer.ok_or_else(|| mesh::Error::internal("a call without a peer"))?;
    let forwarded = request.metadata().get("x-forwarded-for").and_then(|value| value.to_str().ok());
    let forwarded = forwarded.filter(|_| peer.certificate_name.as_deref() == Some(GATEWAY));
    Ok(forwarded.and_then(|text| text.trim().parse().ok()).unwrap_or(peer.address.ip()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn address(peer: &str, name: Option<&str>, forwarded: Option<&str>) -> IpAddr {
        let mut request = Request::new(());
        let address = format!("{peer}:1").parse().expect("an address");
        request.extensions_mut().insert(Peer {
            address,
            certificate_name: name.map(Arc::from),
            calls: None,
        });
        if let Some(forwarded) = forwarded {
            request.metadata_mut().insert("x-forwarded-for", forwarded.parse().expect("a header"));
        }
        client_address(&request).expect("there is a peer")
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
            let want: IpAddr = want.parse().expect("an address");
            assert_eq!(address("10.0.0.1", name, forwarded), want, "{name:?} {forwarded:?}");
        }
    }
}
