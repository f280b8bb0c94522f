//! Transport: each handler decodes a request, calls one operation, and encodes the result.

mod inventory;
mod product;
mod reservation;

use mesh_data::{page::PageTokens, subscription::Hub};

use crate::{
    App,
    product::{ProductId, StockState},
    reservation::reserve::ReservationWriter,
};

/// All gRPC services of product-svc.
#[derive(Clone)]
pub(crate) struct Api {
    pub app: App,
    pub page_tokens: PageTokens,
    pub reservations: ReservationWriter,
    pub stock_states: Hub<ProductId, StockState>,
}
