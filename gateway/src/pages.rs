//! What the gateway serves besides calls: its health, the public keys, and the web pages with their
//! images, read from their folder at each request.

use std::{convert::Infallible, path::Path};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::get,
};
use percent_encoding::percent_decode_str;
use tower::{ServiceExt, service_fn};
use tower_http::services::{ServeDir, ServeFile};

use crate::keys::Keys;

/// Most bytes of a file that wait in memory for a client.
const CHUNK_BYTES_MAX: usize = 8 << 10;
/// Files whose name changes with their content.
const ASSETS: &str = "/assets/";
const IMAGES: &str = "/images/";
const WELL_KNOWN: &str = ".well-known";
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
            let index = index.with_buf_chunk_size(CHUNK_BYTES_MAX);
            let app = service_fn(move |request| open_app(index.clone(), request));
            let files = ServeDir::new(root).precompressed_br().precompressed_gzip();
            let files = files.with_buf_chunk_size(CHUNK_BYTES_MAX);
            router.fallback_service(files.fallback(app)).layer(from_fn(hide_dotfiles))
        }
        None => router,
    };
    router.layer(from_fn(set_caching))
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

/// Rejects files that belong to the build and not to the pages, such as `.vite/manifest.json`.
async fn hide_dotfiles(request: Request, next: Next) -> Response {
    let path = percent_decode_str(request.uri().path()).decode_utf8_lossy();
    let mut segments = path.split('/').skip(1);
    if segments.any(|segment| segment.starts_with('.') && segment != WELL_KNOWN) {
        return StatusCode::NOT_FOUND.into_response();
    }
    next.run(request).await
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

async fn set_caching(request: Request, next: Next) -> Response {
    let is_asset = request.uri().path().starts_with(ASSETS);
    let mut response = next.run(request).await;
    let is_found = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
    let caching = if is_asset && is_found { IMMUTABLE } else { REVALIDATE };
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(caching);
    response
}
