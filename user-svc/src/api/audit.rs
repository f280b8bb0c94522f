//! `AuditService`.

use mesh::identity::claims;
use proto::user::v1::{
    ListAuditEntriesRequest, ListAuditEntriesResponse, audit_service_server::AuditService,
};
use tonic::{Request, Response};

use super::{Api, Reply};
use crate::{audit::lookup, convert::audit as convert};

#[tonic::async_trait]
impl AuditService for Api {
    async fn list_audit_entries(
        &self,
        request: Request<ListAuditEntriesRequest>,
    ) -> Reply<ListAuditEntriesResponse> {
        let caller = claims(&request)?.sub;
        let (filter, page) =
            convert::list_audit_entries(request.get_ref(), caller, &self.page_tokens)?;
        let listed = lookup::list_audit_entries(&self.app, &filter, &page).await?;
        let listed = listed.map(convert::encode);
        let next_page_token = listed.next_page_token;
        Ok(Response::new(ListAuditEntriesResponse { entries: listed.items, next_page_token }))
    }
}
