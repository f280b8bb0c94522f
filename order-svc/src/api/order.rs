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
    fulfilment, lookup,
    order::{Actor, ActorRole, CustomerId, Order},
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
        let (orders, next) =
            lookup::list_orders(&self.app, customer, page.cursor.as_ref(), page.size).await?;
        let scope = convert::list_orders_scope(&caller);
        Ok(Response::new(ListOrdersResponse {
            orders: orders.into_iter().map(|order| self.to_customer(order)).collect(),
            next_page_token: self.page_tokens.next(&scope, next.as_ref()),
        }))
    }

    async fn cancel_order(
        &self,
        request: Request<CancelOrderRequest>,
    ) -> Result<Response<CancelOrderResponse>, Status> {
        let actor = Actor { id: CustomerId(claims(&request)?.sub), role: ActorRole::Customer };
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
        let news = self.watched.watch(vec![id], claims.time_left())?;
        let currency = self.app.currency.clone();
        let told = news.map_ok(move |news| convert::order_news(news, &currency));
        Ok(Response::new(told.boxed()))
    }
}
