//! Methods of accounts.

use mesh::{client, identity::claims};
use proto::user::v1::{
    DisableUserRequest, DisableUserResponse, EnableUserRequest, EnableUserResponse,
    GetCurrentUserRequest, GetCurrentUserResponse, ListUsersRequest, ListUsersResponse,
    SetUserRoleRequest, SetUserRoleResponse, SignUpRequest, SignUpResponse,
    UpdateCurrentUserRequest, UpdateCurrentUserResponse,
};
use tonic::{Request, Response};

use super::{Api, Reply};
use crate::{
    convert::user as convert,
    rights::Actor,
    user::{UserId, admin, profile, sign_up},
};

pub(super) async fn sign_up(api: &Api, request: Request<SignUpRequest>) -> Reply<SignUpResponse> {
    let network = client::network(&request)?;
    let account = convert::sign_up(request.into_inner())?;
    let user = sign_up::sign_up(&api.app, account, network).await?;
    Ok(Response::new(SignUpResponse { user: Some(convert::encode(user)) }))
}

pub(super) async fn get_current_user(
    api: &Api,
    request: Request<GetCurrentUserRequest>,
) -> Reply<GetCurrentUserResponse> {
    let id = UserId(claims(&request)?.sub);
    let user = profile::get_current_user(&api.app, id).await?;
    Ok(Response::new(GetCurrentUserResponse { user: Some(convert::encode(user)) }))
}

pub(super) async fn update_current_user(
    api: &Api,
    request: Request<UpdateCurrentUserRequest>,
) -> Reply<UpdateCurrentUserResponse> {
    let id = UserId(claims(&request)?.sub);
    let display_name = convert::update_current_user(request.into_inner())?;
    let user = profile::update_current_user(&api.app, id, &display_name).await?;
    Ok(Response::new(UpdateCurrentUserResponse { user: Some(convert::encode(user)) }))
}

pub(super) async fn list_users(
    api: &Api,
    request: Request<ListUsersRequest>,
) -> Reply<ListUsersResponse> {
    let caller = claims(&request)?.sub;
    let (filter, page) = convert::list_users(request.get_ref(), caller, &api.page_tokens)?;
    let listed = admin::list_users(&api.app, &filter, &page).await?.map(convert::encode);
    let next_page_token = listed.next_page_token;
    Ok(Response::new(ListUsersResponse { users: listed.items, next_page_token }))
}

pub(super) async fn set_user_role(
    api: &Api,
    request: Request<SetUserRoleRequest>,
) -> Reply<SetUserRoleResponse> {
    let actor = Actor::of(claims(&request)?.as_ref());
    let (id, role) = convert::set_user_role(request.get_ref())?;
    let user = admin::set_user_role(&api.app, actor, id, role).await?;
    Ok(Response::new(SetUserRoleResponse { user: Some(convert::encode(user)) }))
}

pub(super) async fn disable_user(
    api: &Api,
    request: Request<DisableUserRequest>,
) -> Reply<DisableUserResponse> {
    let actor = Actor::of(claims(&request)?.as_ref());
    let id = convert::user_id(&request.get_ref().user_id)?;
    let user = admin::disable_user(&api.app, actor, id).await?;
    Ok(Response::new(DisableUserResponse { user: Some(convert::encode(user)) }))
}

pub(super) async fn enable_user(
    api: &Api,
    request: Request<EnableUserRequest>,
) -> Reply<EnableUserResponse> {
    let actor = Actor::of(claims(&request)?.as_ref());
    let id = convert::user_id(&request.get_ref().user_id)?;
    let user = admin::enable_user(&api.app, actor, id).await?;
    Ok(Response::new(EnableUserResponse { user: Some(convert::encode(user)) }))
}
