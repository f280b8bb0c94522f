//! Which headers pass between client and service, and what the gateway says in its
//! own name. Everything else is metadata, none of its business.

use std::net::IpAddr;

use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Uri,
    header::{
        ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, COOKIE, HOST, ORIGIN,
        PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING,
        UPGRADE,
    },
};
use mesh::Error;

use crate::config::Network;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What is between two hops of HTTP and no further. Source: RFC 9110, 7.6.1.
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Makes the headers of a client's call those of a call to a service. `peer` is who
/// the gateway sees at the other end of the connection.
pub fn to_service(
    headers: &mut HeaderMap,
    cookies: bool,
    peer: Option<IpAddr>,
    trusted_proxies: &[Network],
) {
    let client = peer.and_then(|peer| client_address(headers, peer, trusted_proxies));
    drop_hop_by_hop(headers);
    // Of HTTP/1.1, of another body, or a browser's.
    for name in [HOST, CONTENT_LENGTH, ACCEPT, ACCEPT_ENCODING] {
        headers.remove(name);
    }
    if !cookies {
        headers.remove(COOKIE);
    }
    headers.remove(X_FORWARDED_FOR);
    if let Some(client) = client {
        headers.insert(X_FORWARDED_FOR, client);
    }
    headers.insert(TE, HeaderValue::from_static("trailers"));
}

/// Makes the headers of a service's answer those of an answer to a client.
pub fn to_client(headers: &mut HeaderMap, cookies: bool) {
    drop_hop_by_hop(headers);
    headers.remove(CONTENT_LENGTH);
    if !cookies {
        headers.remove(SET_COOKIE);
    }
}

fn drop_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// The address of the client: the last one that no trusted proxy has, of those that
/// the request came by.
fn client_address(headers: &HeaderMap, peer: IpAddr, trusted: &[Network]) -> Option<HeaderValue> {
    let is_trusted = |address| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    if is_trusted(client) {
        let values = headers.get_all(X_FORWARDED_FOR).iter();
        let hops: Vec<_> =
            values.flat_map(|value| value.as_bytes().split(|&b| b == b',')).collect();
        for hop in hops.iter().rev() {
            let Some(address) = str::from_utf8(hop).ok().and_then(|hop| hop.trim().parse().ok())
            else {
                break;
            };
            client = IpAddr::to_canonical(&address);
            if !is_trusted(client) {
                break;
            }
        }
    }
    HeaderValue::try_from(client.to_string()).ok()
}

/// Cookies are taken from the shop's own pages only: where the host of `Origin` is
/// the one that was called.
///
/// # Errors
/// [`Error::CallerNotAllowed`].
pub fn check_cookie<B>(request: &Request<B>) -> Result<(), Error> {
    let headers = request.headers();
    if !headers.contains_key(COOKIE) {
        return Ok(());
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| request.uri().authority().map(|authority| authority.as_str()));
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    match (host, origin.and_then(|origin| origin.parse::<Uri>().ok())) {
        (Some(host), Some(origin)) if is_host(&origin, host) => Ok(()),
        _ => Err(Error::CallerNotAllowed),
    }
}

fn is_host(origin: &Uri, host: &str) -> bool {
    let (Some(scheme), Some(authority)) = (origin.scheme_str(), origin.authority()) else {
        return false;
    };
    let standard_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let bare = |authority: &str| {
        authority.strip_suffix(standard_port).unwrap_or(authority).to_ascii_lowercase()
    };
    bare(authority.as_str()) == bare(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn headers_of_one_hop_go_no_further() {
        let mut headers = headers(&[
            ("connection", "keep-alive, X-Secret"),
            ("keep-alive", "timeout=5"),
            ("x-secret", "1"),
            ("host", "shop"),
            ("transfer-encoding", "chunked"),
            ("authorization", "Bearer x"),
            ("x-meta", "kept"),
        ]);
        to_service(&mut headers, false, None, &[]);
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["authorization", "te", "x-meta"]);
    }

    #[test]
    fn the_clients_address_is_the_last_that_no_trusted_proxy_has() {
        for (peer, trusted, forwarded, client) in [
            ("192.0.2.1", "", "6.6.6.6", "192.0.2.1"),
            ("192.0.2.1", "192.0.2.0/24", "6.6.6.6", "6.6.6.6"),
            ("192.0.2.1", "192.0.2.0/24", "6.6.6.6, 203.0.113.7", "203.0.113.7"),
            ("192.0.2.1", "192.0.2.0/24", "203.0.113.7, 192.0.2.9", "203.0.113.7"),
            ("192.0.2.1", "192.0.2.0/24", "203.0.113.7, nonsense, 192.0.2.9", "192.0.2.9"),
            ("192.0.2.1", "192.0.2.0/24", "", "192.0.2.1"),
            ("::ffff:192.0.2.1", "", "", "192.0.2.1"),
        ] {
            let mut headers = headers(&[("x-forwarded-for", forwarded)]);
            let trusted: Vec<Network> = trusted.parse().into_iter().collect();
            to_service(&mut headers, false, peer.parse().ok(), &trusted);
            assert_eq!(headers["x-forwarded-for"], client, "{peer} {forwarded}");
        }
    }

    #[test]
    fn a_cookie_is_taken_from_the_own_origin_only() {
        for (host, origin, good) in [
            ("shop.example", Some("https://shop.example"), true),
            ("shop.example:443", Some("https://shop.example"), true),
            ("Shop.example", Some("https://shop.example:443"), true),
            ("localhost:8080", Some("http://localhost:8080"), true),
            ("localhost:8080", Some("http://localhost:3000"), false),
            ("shop.example", Some("https://shop.example.evil"), false),
            ("shop.example", Some("null"), false),
            ("shop.example", Some("shop.example"), false),
            ("shop.example", None, false),
        ] {
            let mut request = Request::post("/").header("host", host).header("cookie", "a=b");
            if let Some(origin) = origin {
                request = request.header("origin", origin);
            }
            let request = request.body(()).expect("a request");
            assert_eq!(check_cookie(&request).is_ok(), good, "{host} {origin:?}");
        }
    }
}
