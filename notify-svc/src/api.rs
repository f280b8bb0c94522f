//! Transport: decodes a request, calls one operation, encodes its result.

mod notification;

use mesh_data::page::PageTokens;

use crate::App;

/// The gRPC services of notify-svc.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) app: App,
    pub(crate) page_tokens: PageTokens,
}
