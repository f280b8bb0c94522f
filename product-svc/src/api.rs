//! Transport: decode a request, call one operation, encode what it tells. One type
//! is all gRPC services of product-svc.

mod inventory;
mod product;
mod reservation;

use mesh_data::{page::PageTokens, subscription::Hub};

use crate::{
    App,
    product::{ProductId, StockState},
    reserve::Reserving,
};

/// All gRPC services of product-svc.
#[derive(Clone)]
pub struct Api {
    pub(crate) app: App,
    pub(crate) page_tokens: PageTokens,
    pub(crate) reserving: Reserving,
    pub(crate) stock_states: Hub<ProductId, StockState>,
}
