//! `OrderService`.

use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use mesh::identity::claims;
use proto::order::v1::{
    CancelOrderRequest, CancelOrderResponse, GetOrderRequest, GetOrderResponse, ListOrdersRequest,
    ListOrdersResponse, PlaceOrderRequest, PlaceOrderResponse, WatchOrderRequest,
    WatchOrderResponse, order_service_server::OrderService,
};
use tonic::{Request, Response, Status};

use super::Api;
use crate::{
    checkout,
    convert::{self, Viewer},
    order::{Actor, CustomerId, Order, fulfilment, lookup},
};

impl Api {
    fn to_customer(&self, order: Order) -> proto::order::v1::Order {
        convert::order(order, Viewer::Customer, &self.app.currency)
    }
}

#[tonic::async_trait]
impl OrderService for Api {
    async fn place_order(
        &self,
        request: Request<PlaceOrderRequest>,
    ) -> Result<Response<PlaceOrderResponse>, Status> {
        let claims = claims(&request)?;
        let checkout = convert::place_order(request.into_inner(), &claims, &self.app.currency)?;
        let (order, replayed) = checkout::place_order(&self.app, checkout).await?;
        let order = Some(self.to_customer(order));
        Ok(Response::new(PlaceOrderResponse { order, replayed }))
    }

    async fn get_order(
        &self,
        request: Request<GetOrderRequest>,
    ) -> Result<Response<GetOrderResponse>, Status> {
        let customer = CustomerId(claims(&request)?.sub);
        let id = convert::order_id(&request.get_ref().order_id)?;
        let order = lookup::get_order(&self.app, customer, id).await?;
        Ok(Response::new(GetOrderResponse { order: Some(self.to_customer(order)) }))
    }

    async fn list_orders(
        &self,
        request: Request<ListOrdersRequest>,
    ) -> Result<Response<ListOrdersResponse>, Status> {
        let customer = CustomerId(claims(&request)?.sub);
        let caller = customer.to_string();
        let page = convert::list_orders(request.get_ref(), &caller, &self.page_tokens)?;
        let listed = lookup::list_orders(&self.app, customer, &page).await?;
        let listed = listed.map(|order| self.to_customer(order));
        Ok(Response::new(ListOrdersResponse {
            orders: listed.items,
            next_page_token: listed.next_page_token,
        }))
    }

    async fn cancel_order(
        &self,
        request: Request<CancelOrderRequest>,
    ) -> Result<Response<CancelOrderResponse>, Status> {
        let actor = Actor::Customer(CustomerId(claims(&request)?.sub));
        let id = convert::order_id(&request.get_ref().order_id)?;
        let order = fulfilment::cancel_order(&self.app, actor, id).await?;
        Ok(Response::new(CancelOrderResponse { order: Some(self.to_customer(order)) }))
    }

    type WatchOrderStream = BoxStream<'static, Result<WatchOrderResponse, Status>>;

    async fn watch_order(
        &self,
        request: Request<WatchOrderRequest>,
    ) -> Result<Response<Self::WatchOrderStream>, Status> {
        let claims = claims(&request)?;
        let id = convert::order_id(&request.get_ref().order_id)?;
        lookup::get_order(&self.app, CustomerId(claims.sub), id).await?;
        let updates = self.subscriptions.watch(vec![id], claims.time_left())?;
        let currency = self.app.currency.clone();
        let responses = updates.map_ok(move |update| convert::order_update(update, &currency));
        Ok(Response::new(responses.boxed()))
    }
}
