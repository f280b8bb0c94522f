//! The headers that pass between client and service, and those that the gateway sets itself. All
//! other headers are metadata of the call and pass unchanged.

use std::net::IpAddr;

use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Uri,
    header::{
        ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, COOKIE, HOST, ORIGIN,
        PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING,
        UPGRADE,
    },
    uri::Authority,
};
use mesh::Error;

use crate::config::Network;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Headers of one HTTP connection only. Source: RFC 9110, 7.6.1.
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

/// Converts the request headers of a client to those of a request to a service. `peer` is the
/// address at the other end of the client's connection.
pub(crate) fn to_service(
    headers: &mut HeaderMap,
    cookies: bool,
    peer: Option<IpAddr>,
    trusted_proxies: &[Network],
) {
    let client = peer.and_then(|peer| client_address(headers, peer, trusted_proxies));
    remove_hop_by_hop(headers);
    // They belong to HTTP/1.1, to the body before its conversion from gRPC-Web, or to a browser.
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

/// Converts the response headers of a service to those of a response to a client. A proxy must not
/// keep back the messages of a stream until it has enough of them.
pub(crate) fn to_client(headers: &mut HeaderMap, cookies: bool, streaming: bool) {
    if streaming {
        headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    }
    remove_hop_by_hop(headers);
    headers.remove(CONTENT_LENGTH);
    if !cookies {
        headers.remove(SET_COOKIE);
    }
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let listed: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .collect();
    for name in listed.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// Returns the address of the client: the last hop of the request that is not a trusted proxy.
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

/// Rejects cookies of pages other than the store's own. This prevents cross-site request forgery.
///
/// The browser itself states the site in `Sec-Fetch-Site`. One that does not is recognised by the
/// host of `Origin`, which is that of the request or, behind a proxy that replaces `Host`, that of
/// one of `public_urls`.
///
/// # Errors
/// [`Error::CallerNotAllowed`].
pub(crate) fn check_cookie<B>(request: &Request<B>, public_urls: &[Uri]) -> Result<(), Error> {
    let headers = request.headers();
    if !headers.contains_key(COOKIE) {
        return Ok(());
    }
    let is_own = match headers.get(SEC_FETCH_SITE) {
        Some(site) => site == "same-origin",
        None => {
            let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
            let origin = origin.and_then(|origin| origin.parse::<Uri>().ok());
            let host = headers.get(HOST).and_then(|host| host.to_str().ok());
            let host = host.or_else(|| request.uri().authority().map(Authority::as_str));
            let public = public_urls.iter().filter_map(|url| Some(url.authority()?.as_str()));
            let mut own = host.into_iter().chain(public);
            origin.is_some_and(|origin| own.any(|host| has_host(&origin, host)))
        }
    };
    if is_own { Ok(()) } else { Err(Error::CallerNotAllowed) }
}

fn has_host(origin: &Uri, host: &str) -> bool {
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
    fn hop_by_hop_headers_are_removed() {
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
    fn the_address_of_the_client_is_the_last_hop_that_is_no_trusted_proxy() {
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

    fn accepts_cookie(public_url: &str, pairs: &[(&str, &str)]) -> bool {
        let mut request = Request::post("/").header("cookie", "a=b");
        for &(name, value) in pairs {
            request = request.header(name, value);
        }
        let public_urls: Vec<Uri> = public_url.parse().into_iter().collect();
        check_cookie(&request.body(()).expect("a request"), &public_urls).is_ok()
    }

    #[test]
    fn a_browser_without_sec_fetch_site_is_recognised_by_its_origin() {
        for (host, origin, public_url, good) in [
            ("shop.example", "https://shop.example", "", true),
            ("shop.example:443", "https://shop.example", "", true),
            ("Shop.example", "https://shop.example:443", "", true),
            ("localhost:8080", "http://localhost:8080", "", true),
            ("localhost:8080", "http://localhost:3000", "", false),
            ("shop.example", "https://shop.example.evil", "", false),
            ("shop.example", "null", "", false),
            ("shop.example", "shop.example", "", false),
            ("gateway:8080", "https://shop.example", "", false),
            ("gateway:8080", "https://shop.example", "https://shop.example", true),
            ("gateway:8080", "https://shop.example", "https://shop.example/", true),
            ("gateway:8080", "https://evil.example", "https://shop.example", false),
        ] {
            let pairs = [("host", host), ("origin", origin)];
            assert_eq!(accepts_cookie(public_url, &pairs), good, "{host} {origin} {public_url}");
        }
        assert!(!accepts_cookie("", &[("host", "shop.example")]), "no origin");
    }

    #[test]
    fn a_browser_states_the_site_of_a_page_in_sec_fetch_site() {
        for (site, good) in
            [("same-origin", true), ("same-site", false), ("cross-site", false), ("none", false)]
        {
            // The proxy has replaced Host, and Origin says nothing more.
            let pairs = [
                ("sec-fetch-site", site),
                ("host", "gateway:8080"),
                ("origin", "https://shop.example"),
            ];
            assert_eq!(accepts_cookie("", &pairs), good, "{site}");
            let pairs = [("sec-fetch-site", site), ("host", "a"), ("origin", "http://a")];
            assert_eq!(accepts_cookie("", &pairs), good, "{site}");
        }
    }
}

#[cfg(test)]
mod fuzz {
    use url::{Origin, Url};

    use super::*;

    /// What hosts and origins are made of.
    const PARTS: [&str; 20] = [
        "http://",
        "https://",
        "HTTPS://",
        "shop.example",
        "Shop.Example",
        "evil",
        ".",
        ":",
        "80",
        "443",
        ":443",
        "8080",
        "/",
        "@",
        "?",
        "#",
        "[::1]",
        "null",
        "%2e",
        "\u{e9}",
    ];

    fn text(parts: &[u8]) -> String {
        parts.iter().map(|&part| PARTS[usize::from(part) % PARTS.len()]).collect()
    }

    /// Returns the origin of a URL, as a browser reads it.
    fn origin(url: &str) -> Option<Origin> {
        Url::parse(url).ok().map(|url| url.origin())
    }

    #[test]
    fn a_cookie_passes_only_from_the_origin_of_the_host() {
        bolero::check!().with_type::<(Vec<u8>, Vec<u8>)>().for_each(|(from, host)| {
            let (from, host) = (text(from), text(host));
            let request =
                Request::post("/").header(COOKIE, "a=b").header(ORIGIN, &from).header(HOST, &host);
            let Ok(request) = request.body(()) else { return };
            if check_cookie(&request, &[]).is_ok() {
                let own = ["http", "https"].map(|scheme| origin(&format!("{scheme}://{host}")));
                // No browser sends what is no URL.
                let Some(from) = origin(&from) else { return };
                assert!(own.contains(&Some(from.clone())), "{from:?} {own:?}");
            }
        });
    }

    #[test]
    fn no_header_of_one_connection_reaches_a_service() {
        bolero::check!().with_type::<Vec<(u8, Vec<u8>)>>().for_each(|pairs| {
            let mut headers = HeaderMap::new();
            let others = [COOKIE, HOST, X_FORWARDED_FOR, HeaderName::from_static("x-meta")];
            let names: Vec<_> = HOP_BY_HOP.into_iter().chain(others).collect();
            for (name, value) in pairs {
                if let Ok(value) = HeaderValue::from_bytes(value) {
                    headers.append(&names[usize::from(*name) % names.len()], value);
                }
            }
            to_service(&mut headers, false, "192.0.2.1".parse().ok(), &[]);
            for name in headers.keys() {
                assert!(["x-forwarded-for", "te", "x-meta"].contains(&name.as_str()), "{name}");
            }
            assert_eq!(headers[TE], "trailers");
            assert_eq!(headers[X_FORWARDED_FOR], "192.0.2.1");
        });
    }
}
