//! `OrderAdminService`.

use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use mesh::identity::claims;
use proto::order::v1::{
    CancelAnyOrderRequest, CancelAnyOrderResponse, ExportOrdersRequest, ExportOrdersResponse,
    GetAnyOrderRequest, GetAnyOrderResponse, GetOrderStatisticsRequest, GetOrderStatisticsResponse,
    ListAllOrdersRequest, ListAllOrdersResponse, ShipOrderRequest, ShipOrderResponse,
    order_admin_service_server::OrderAdminService,
};
use tonic::{Request, Response, Status};

use super::Api;
use crate::{
    convert::{self, Viewer},
    export, fulfilment, lookup,
    order::{Actor, ActorRole, CustomerId, Order},
    statistics,
};

impl Api {
    fn to_admin(&self, order: Order) -> proto::order::v1::Order {
        convert::order(order, Viewer::Shop, &self.app.currency)
    }
}

#[tonic::async_trait]
impl OrderAdminService for Api {
    async fn list_all_orders(
        &self,
        request: Request<ListAllOrdersRequest>,
    ) -> Result<Response<ListAllOrdersResponse>, Status> {
        let caller = claims(&request)?.sub.to_string();
        let (tokens, currency) = (&self.page_tokens, &self.app.currency);
        let (filter, page) =
            convert::list_all_orders(request.get_ref(), currency, &caller, tokens)?;
        let (orders, next) =
            lookup::list_all_orders(&self.app, &filter, page.cursor.as_ref(), page.size).await?;
        let scope = convert::list_all_orders_scope(&filter, &caller);
        Ok(Response::new(ListAllOrdersResponse {
            orders: orders.into_iter().map(|order| self.to_admin(order)).collect(),
            next_page_token: tokens.next(&scope, next.as_ref()),
        }))
    }

    async fn get_any_order(
        &self,
        request: Request<GetAnyOrderRequest>,
    ) -> Result<Response<GetAnyOrderResponse>, Status> {
        let id = convert::order_id(&request.get_ref().order_id)?;
        let order = lookup::get_any_order(&self.app, id).await?;
        Ok(Response::new(GetAnyOrderResponse { order: Some(self.to_admin(order)) }))
    }

    async fn cancel_any_order(
        &self,
        request: Request<CancelAnyOrderRequest>,
    ) -> Result<Response<CancelAnyOrderResponse>, Status> {
        let actor = Actor { id: CustomerId(claims(&request)?.sub), role: ActorRole::Admin };
        let id = convert::order_id(&request.get_ref().order_id)?;
        let order = fulfilment::cancel_order(&self.app, actor, id).await?;
        Ok(Response::new(CancelAnyOrderResponse { order: Some(self.to_admin(order)) }))
    }

    async fn ship_order(
        &self,
        request: Request<ShipOrderRequest>,
    ) -> Result<Response<ShipOrderResponse>, Status> {
        let actor = Actor { id: CustomerId(claims(&request)?.sub), role: ActorRole::Admin };
        let id = convert::order_id(&request.get_ref().order_id)?;
        let order = fulfilment::ship_order(&self.app, actor, id).await?;
        Ok(Response::new(ShipOrderResponse { order: Some(self.to_admin(order)) }))
    }

    type ExportOrdersStream = BoxStream<'static, Result<ExportOrdersResponse, Status>>;

    async fn export_orders(
        &self,
        request: Request<ExportOrdersRequest>,
    ) -> Result<Response<Self::ExportOrdersStream>, Status> {
        let filter = convert::export_orders(request.into_inner(), &self.app.currency)?;
        let parts = export::export_orders(self.app.clone(), filter);
        let parts = parts.map_ok(|csv| ExportOrdersResponse { csv }).map_err(Status::from);
        Ok(Response::new(parts.boxed()))
    }

    async fn get_order_statistics(
        &self,
        request: Request<GetOrderStatisticsRequest>,
    ) -> Result<Response<GetOrderStatisticsResponse>, Status> {
        let question = convert::get_order_statistics(request.get_ref())?;
        let answer = statistics::get_order_statistics(&self.app, &question).await?;
        let answer = convert::statistics(&question, answer, &self.app.currency);
        Ok(Response::new(answer))
    }
}
