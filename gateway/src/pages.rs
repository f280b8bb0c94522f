//! What the gateway serves besides calls: its health, the public keys, and the web pages with their
//! images, read from their folder at each request.

use std::{convert::Infallible, path::Path};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::get,
};
use tower::{ServiceExt, service_fn};
use tower_http::services::{ServeDir, ServeFile};

use crate::keys::Keys;

/// Allows scripts, styles, images and calls of the own origin only, and no frame around the pages.
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

/// Files whose name changes with their content.
const ASSETS: &str = "/assets/";
const IMAGES: &str = "/images/";
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// The browser revalidates the file at each use and gets 304 if it did not change.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// Returns the routes of everything besides calls.
pub(crate) fn router(web_root: Option<&Path>, keys: Keys) -> Router {
    let router = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/.well-known/jwks.json", get(jwks))
        .with_state(keys);
    let router = match web_root {
        Some(root) => {
            let index = ServeFile::new(root.join("index.html"));
            let index = index.precompressed_br().precompressed_gzip();
            let app = service_fn(move |request| open_app(index.clone(), request));
            let files = ServeDir::new(root).precompressed_br().precompressed_gzip();
            router.fallback_service(files.fallback(app))
        }
        None => router,
    };
    router.layer(from_fn(add_security_headers))
}

/// Serves the app for any path that a browser opens, since pages are routed in the browser. Other
/// clients, and missing assets and images, get 404.
async fn open_app(index: ServeFile, request: Request) -> Result<Response, Infallible> {
    let path = request.uri().path();
    let is_file = path.starts_with(ASSETS) || path.starts_with(IMAGES);
    if is_file || !accepts_html(request.headers()) {
        return Ok(StatusCode::NOT_FOUND.into_response());
    }
    Ok(index.oneshot(request).await?.into_response())
}

fn accepts_html(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(header::ACCEPT).iter().filter_map(|it| it.to_str().ok());
    accepted.any(|types| types.split(',').any(|it| it.trim_start().starts_with("text/html")))
}

async fn jwks(State(keys): State<Keys>) -> Response {
    match keys.document().await {
        Ok(document) => ([(header::CONTENT_TYPE, "application/json")], document).into_response(),
        Err(error) => {
            tracing::warn!(%error, "the public keys are not available");
            (StatusCode::SERVICE_UNAVAILABLE, "the public keys are not available\n").into_response()
        }
    }
}

async fn add_security_headers(request: Request, next: Next) -> Response {
    let is_asset = request.uri().path().starts_with(ASSETS);
    let mut response = next.run(request).await;
    let is_found = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, value);
    }
    let caching = if is_asset && is_found { IMMUTABLE } else { REVALIDATE };
    headers.entry(header::CACHE_CONTROL).or_insert(caching);
    response
}
