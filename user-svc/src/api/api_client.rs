//! Methods of API clients.

use mesh::{client, identity::claims};
use proto::user::v1::{
    CreateApiClientRequest, CreateApiClientResponse, ExchangeClientCredentialsRequest,
    ExchangeClientCredentialsResponse, ListApiClientsRequest, ListApiClientsResponse,
    RevokeApiClientRequest, RevokeApiClientResponse,
};
use tonic::{Request, Response};

use super::{Api, Reply};
use crate::{
    access_token::AccessToken,
    api_client::{admin, exchange},
    convert::api_client as convert,
    rights::Actor,
};

pub(super) async fn create_api_client(
    api: &Api,
    request: Request<CreateApiClientRequest>,
) -> Reply<CreateApiClientResponse> {
    let actor = Actor::of(claims(&request)?.as_ref());
    let new = convert::create_api_client(request.get_ref(), actor)?;
    let (client, secret) = admin::create_client(&api.app.database, new).await?;
    Ok(Response::new(CreateApiClientResponse {
        client_id: client.id.to_string(),
        client_secret: secret.expose().to_owned(),
        api_client: Some(convert::encode(client)),
    }))
}

pub(super) async fn list_api_clients(
    api: &Api,
    request: Request<ListApiClientsRequest>,
) -> Reply<ListApiClientsResponse> {
    let caller = claims(&request)?.sub;
    let page = convert::list_api_clients(request.get_ref(), caller, &api.page_tokens)?;
    let listed = admin::list_clients(&api.app, &page).await?.map(convert::encode);
    let next_page_token = listed.next_page_token;
    Ok(Response::new(ListApiClientsResponse { api_clients: listed.items, next_page_token }))
}

pub(super) async fn revoke_api_client(
    api: &Api,
    request: Request<RevokeApiClientRequest>,
) -> Reply<RevokeApiClientResponse> {
    let actor = Actor::of(claims(&request)?.as_ref());
    let id = convert::revoke_api_client(request.get_ref())?;
    admin::revoke_client(&api.app, actor, id).await?;
    Ok(Response::new(RevokeApiClientResponse {}))
}

pub(super) async fn exchange_client_credentials(
    api: &Api,
    request: Request<ExchangeClientCredentialsRequest>,
) -> Reply<ExchangeClientCredentialsResponse> {
    let network = client::network(&request)?;
    let (id, secret) = convert::exchange_client_credentials(request.into_inner())?;
    let access_token =
        exchange::exchange_client_credentials(&api.app, id, &secret, network).await?;
    let AccessToken { token: access_token, expires_in } = access_token;
    Ok(Response::new(ExchangeClientCredentialsResponse { access_token, expires_in }))
}
