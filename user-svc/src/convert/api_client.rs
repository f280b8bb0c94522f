//! Messages of API clients.

use mesh::validate::Violations;
use mesh_data::page::{Page, PageTokens};
use proto::{time::timestamp, user::v1 as pb};
use uuid::Uuid;

use super::{Result, SECRET_BYTES_MAX, decode_role, encode_role, unfiltered_page};
use crate::{
    api_client::{ApiClient, ApiClientCursor, ApiClientId, NewApiClient},
    rights::Actor,
    secret::Secret,
    user,
};

pub(crate) fn create_api_client(
    request: &pb::CreateApiClientRequest,
    actor: Actor,
) -> Result<NewApiClient> {
    let mut violations = Violations::new();
    let name = user::name(&mut violations, "name", &request.name);
    let role = decode_role(&mut violations, request.role);
    let request_id = violations.optional_uuid("request_id", &request.request_id);
    violations.finish(NewApiClient { name, role, actor: Some(actor), request_id })
}

pub(crate) fn list_api_clients(
    request: &pb::ListApiClientsRequest,
    caller: Uuid,
    tokens: &PageTokens,
) -> Result<Page<ApiClientCursor>> {
    unfiltered_page("ListApiClients", caller, tokens, request.page_size, &request.page_token)
}

pub(crate) fn revoke_api_client(request: &pb::RevokeApiClientRequest) -> Result<ApiClientId> {
    let mut violations = Violations::new();
    let id = violations.uuid("client_id", &request.client_id);
    violations.finish(ApiClientId(id))
}

pub(crate) fn exchange_client_credentials(
    request: pb::ExchangeClientCredentialsRequest,
) -> Result<(ApiClientId, Secret)> {
    let mut violations = Violations::new();
    let id = ApiClientId(violations.uuid("client_id", &request.client_id));
    let fits = (1..=SECRET_BYTES_MAX).contains(&request.client_secret.len());
    violations.require(fits, "client_secret", "must be the one shown with the client_id");
    violations.finish((id, Secret::received(request.client_secret)))
}

pub(crate) fn encode(client: ApiClient) -> pb::ApiClient {
    pb::ApiClient {
        client_id: client.id.to_string(),
        name: client.name,
        role: encode_role(client.role).into(),
        create_time: Some(timestamp(client.created_at)),
        created_by: client.created_by.map(|id| id.to_string()).unwrap_or_default(),
    }
}
