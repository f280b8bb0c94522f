//! Transport: decode a request, call one operation, encode what it tells.

mod notification;

use mesh_data::page::PageTokens;

use crate::App;

/// All gRPC services of notify-svc.
#[derive(Clone)]
pub struct Api {
    pub(crate) app: App,
    pub(crate) page_tokens: PageTokens,
}
