//! Transport: decode a request, call one operation, encode what it tells. One type
//! is all gRPC services of order-svc.

mod checkout;
mod order;
mod order_admin;

use mesh_data::{page::PageTokens, subscription::Hub};

use crate::{
    App,
    order::{Order, OrderId},
};

/// All gRPC services of order-svc.
#[derive(Clone)]
pub struct Api {
    pub(crate) app: App,
    pub(crate) page_tokens: PageTokens,
    pub(crate) watched: Hub<OrderId, Order>,
}
