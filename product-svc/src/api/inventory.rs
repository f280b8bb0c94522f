//! `InventoryService`.

use mesh::identity::claims;
use proto::product::v1::{
    GetInventoryRequest, GetInventoryResponse, ListInventoryChangesRequest,
    ListInventoryChangesResponse, ListInventoryRequest, ListInventoryResponse,
    UpdateInventoryRequest, UpdateInventoryResponse, inventory_service_server::InventoryService,
};
use tonic::{Request, Response, Status};

use super::Api;
use crate::{
    convert,
    inventory::{ledger, stock},
};

#[tonic::async_trait]
impl InventoryService for Api {
    async fn get_inventory(
        &self,
        request: Request<GetInventoryRequest>,
    ) -> Result<Response<GetInventoryResponse>, Status> {
        let id = convert::product_id(&request.get_ref().product_id)?;
        let inventory = stock::get_inventory(&self.app, id).await?;
        let inventory = Some(convert::inventory(inventory));
        Ok(Response::new(GetInventoryResponse { inventory }))
    }

    async fn list_inventory(
        &self,
        request: Request<ListInventoryRequest>,
    ) -> Result<Response<ListInventoryResponse>, Status> {
        let caller = claims(&request)?.sub.to_string();
        let (filter, page) =
            convert::list_inventory(request.get_ref(), &caller, &self.page_tokens)?;
        let listed = stock::list_inventory(&self.app, &filter, &page).await?;
        let listed = listed.map(convert::inventory);
        Ok(Response::new(ListInventoryResponse {
            inventories: listed.items,
            next_page_token: listed.next_page_token,
        }))
    }

    async fn update_inventory(
        &self,
        request: Request<UpdateInventoryRequest>,
    ) -> Result<Response<UpdateInventoryResponse>, Status> {
        let actor_id = claims(&request)?.sub;
        let (request_id, update) = convert::update_inventory(request.get_ref())?;
        let inventory = stock::update_inventory(&self.app, actor_id, request_id, &update).await?;
        let inventory = Some(convert::inventory(inventory));
        Ok(Response::new(UpdateInventoryResponse { inventory }))
    }

    async fn list_inventory_changes(
        &self,
        request: Request<ListInventoryChangesRequest>,
    ) -> Result<Response<ListInventoryChangesResponse>, Status> {
        let caller = claims(&request)?.sub.to_string();
        let (id, page) =
            convert::list_inventory_changes(request.get_ref(), &caller, &self.page_tokens)?;
        let listed = ledger::list_inventory_changes(&self.app, id, &page).await?;
        let listed = listed.map(convert::inventory_change);
        Ok(Response::new(ListInventoryChangesResponse {
            changes: listed.items,
            next_page_token: listed.next_page_token,
        }))
    }
}
