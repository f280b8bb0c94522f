//! `ReservationService`.

use proto::product::v1::{
    ReserveStockRequest, ReserveStockResponse, reservation_service_server::ReservationService,
};
use tonic::{Request, Response, Status};

use super::Api;
use crate::convert;

#[tonic::async_trait]
impl ReservationService for Api {
    async fn reserve_stock(
        &self,
        request: Request<ReserveStockRequest>,
    ) -> Result<Response<ReserveStockResponse>, Status> {
        let currency = &self.app.currency;
        let request = convert::reserve_stock(request.into_inner(), currency)?;
        let reserved = self.reservations.reserve(request).await?;
        Ok(Response::new(convert::reserved_stock(reserved, currency)))
    }
}
