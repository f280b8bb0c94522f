//! Transport: decode a request, call one operation, encode what it tells. One type is
//! all gRPC services of user-svc.

mod jwks;
mod user;

pub use jwks::{JWKS_PATH, serve_jwks};

use mesh_data::page::PageTokens;

use crate::App;

/// All gRPC services of user-svc.
#[derive(Clone)]
pub struct Api {
    pub(crate) app: App,
    pub(crate) page_tokens: PageTokens,
}
