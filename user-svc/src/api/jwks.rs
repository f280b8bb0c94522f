//! The public keys that verify access tokens, over plain HTTP beside gRPC. Source: RFC 7517.

use axum::{Router, routing::get};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use tonic::service::Routes;

use crate::signing_key::SigningKeys;

const JWKS_PATH: &str = "/.well-known/jwks.json";

/// Adds a route to `routes` that serves the current public keys.
pub(crate) fn add_route(routes: Routes, keys: SigningKeys) -> Routes {
    let respond = async move || {
        let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "max-age=60")];
        (headers, keys.jwks_json())
    };
    let router: Router = routes.into_axum_router().route(JWKS_PATH, get(respond));
    router.into()
}
