//! The security headers, which limit what a browser does with a response. They are on every response
//! of the public port, so that none depends on who created it.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use mesh::call::is_grpc;

const EVERYWHERE: [(HeaderName, HeaderValue); 5] = [
    // Browsers ignore it where the connection has no TLS, so a store on one machine may send it.
    (
        header::STRICT_TRANSPORT_SECURITY,
        HeaderValue::from_static("max-age=63072000; includeSubDomains"),
    ),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// For what a browser can show: scripts, styles, images and calls of the own origin only, and no
/// frame around it.
const ON_PAGES: [(HeaderName, HeaderValue); 2] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'self'; base-uri 'none'; form-action 'self'; \
             frame-ancestors 'none'; object-src 'none'",
        ),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// Sets the security headers of a response.
pub(crate) fn set(headers: &mut HeaderMap) {
    let on_pages = (!is_grpc(headers)).then_some(ON_PAGES);
    for (name, value) in EVERYWHERE.into_iter().chain(on_pages.into_iter().flatten()) {
        headers.insert(name, value);
    }
}
