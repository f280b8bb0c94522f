//! What the gateway serves that is no call: its health, the public keys, and the web
//! pages with the pictures, read from their folder at each request.

use std::path::Path;

use axum::{
    Router,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::get,
};
use tower_http::services::ServeDir;

use crate::keys::Keys;

/// Scripts, styles, pictures and calls of the own origin, nothing else, and no frame
/// around the pages.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'; object-src 'none'";

const SECURITY_HEADERS: [(HeaderName, HeaderValue); 5] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// Everything beside the calls.
pub fn pages(web_root: Option<&Path>, keys: Keys) -> Router {
    let router = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/.well-known/jwks.json", get(jwks))
        .with_state(keys);
    let router = match web_root {
        Some(root) => {
            router.fallback_service(ServeDir::new(root).precompressed_br().precompressed_gzip())
        }
        None => router,
    };
    router.layer(map_response(secured))
}

async fn jwks(State(keys): State<Keys>) -> Response {
    match keys.document().await {
        Ok(document) => ([(header::CONTENT_TYPE, "application/json")], document).into_response(),
        Err(error) => {
            tracing::warn!(%error, "the public keys cannot be had");
            (StatusCode::SERVICE_UNAVAILABLE, "the public keys are not available\n").into_response()
        }
    }
}

async fn secured(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, value);
    }
    // Asked for again at each use; what did not change is answered with 304.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    response
}
