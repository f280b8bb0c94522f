//! The public keys, over plain HTTP beside gRPC. Source: RFC 7517.

use axum::{Router, routing::get};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use tonic::service::Routes;

use crate::signing::SigningKeys;

/// Where the public keys are.
pub const JWKS_PATH: &str = "/.well-known/jwks.json";

/// Serves the public keys of now beside `routes`.
pub fn serve_jwks(routes: Routes, keys: SigningKeys) -> Routes {
    let answer = async move || {
        let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "max-age=60")];
        (headers, keys.jwks_json())
    };
    let router: Router = routes.into_axum_router().route(JWKS_PATH, get(answer));
    router.into()
}
