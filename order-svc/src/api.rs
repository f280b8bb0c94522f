//! Transport: decode a request, call one operation, encode its result. One type is all
//! gRPC services of order-svc.

mod checkout;
mod order;
mod order_admin;

use mesh_data::{page::PageTokens, subscription::Hub};

use crate::{
    App,
    order::{Order, OrderId},
};

#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) app: App,
    pub(crate) page_tokens: PageTokens,
    pub(crate) subscriptions: Hub<OrderId, Order>,
}
