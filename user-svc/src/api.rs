//! Transport: decodes a request, calls one operation, encodes its result.
//!
//! `UserService` has the methods of several nouns. `service` lists them; the file of a noun has their
//! bodies.

mod api_client;
mod audit;
pub(crate) mod jwks;
mod link;
mod password;
mod service;
mod session;
mod user;

use mesh_data::page::PageTokens;
use tonic::{Response, Status};

use crate::App;

/// Implements `UserService`, `LinkService` and `AuditService`. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Api {
    pub app: App,
    pub page_tokens: PageTokens,
}

/// What a method returns.
type Reply<T> = Result<Response<T>, Status>;
