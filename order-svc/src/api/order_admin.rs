//! `OrderAdminService`.

use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
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
    order::{Actor, AdminId, Order, export, fulfilment, lookup},
    statistics::report,
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
        let listed = lookup::list_all_orders(&self.app, &filter, &page).await?;
        let listed = listed.map(|order| self.to_admin(order));
        Ok(Response::new(ListAllOrdersResponse {
            orders: listed.items,
            next_page_token: listed.next_page_token,
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
        let actor = Actor::Admin(AdminId(claims(&request)?.sub));
        let id = convert::order_id(&request.get_ref().order_id)?;
        let order = fulfilment::cancel_order(&self.app, actor, id).await?;
        Ok(Response::new(CancelAnyOrderResponse { order: Some(self.to_admin(order)) }))
    }

    async fn ship_order(
        &self,
        request: Request<ShipOrderRequest>,
    ) -> Result<Response<ShipOrderResponse>, Status> {
        let actor = Actor::Admin(AdminId(claims(&request)?.sub));
        let id = convert::order_id(&request.get_ref().order_id)?;
        let order = fulfilment::ship_order(&self.app, actor, id).await?;
        Ok(Response::new(ShipOrderResponse { order: Some(self.to_admin(order)) }))
    }

    type ExportOrdersStream = BoxStream<'static, Result<ExportOrdersResponse, Status>>;

    async fn export_orders(
        &self,
        request: Request<ExportOrdersRequest>,
    ) -> Result<Response<Self::ExportOrdersStream>, Status> {
        let currency = self.app.currency.clone();
        let filter = convert::export_orders(request.get_ref(), &currency)?;
        let pages = export::export_orders(self.app.clone(), filter).enumerate();
        let parts = pages.map(move |(index, page)| {
            let parts = convert::csv_parts(index == 0, page?, &currency);
            Ok::<_, Status>(stream::iter(parts.map(|csv| Ok(ExportOrdersResponse { csv }))))
        });
        Ok(Response::new(parts.try_flatten().boxed()))
    }

    async fn get_order_statistics(
        &self,
        request: Request<GetOrderStatisticsRequest>,
    ) -> Result<Response<GetOrderStatisticsResponse>, Status> {
        let query = convert::get_order_statistics(request.get_ref())?;
        let statistics = report::get_order_statistics(&self.app, &query).await?;
        let response = convert::statistics(&query, statistics, &self.app.currency);
        Ok(Response::new(response))
    }
}
