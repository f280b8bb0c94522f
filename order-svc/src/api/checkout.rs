//! `CheckoutService`.

use proto::order::v1::{
    ResolveCheckoutsRequest, ResolveCheckoutsResponse, checkout_service_server::CheckoutService,
};
use tonic::{Request, Response, Status};

use super::Api;
use crate::{checkout, convert};

#[tonic::async_trait]
impl CheckoutService for Api {
    async fn resolve_checkouts(
        &self,
        request: Request<ResolveCheckoutsRequest>,
    ) -> Result<Response<ResolveCheckoutsResponse>, Status> {
        let ids = convert::resolve_checkouts(request.get_ref())?;
        let outcomes = checkout::resolve_checkouts(&self.app, &ids).await?;
        Ok(Response::new(convert::checkout_outcomes(outcomes)))
    }
}
