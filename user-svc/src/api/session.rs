//! Methods of sessions.

use mesh::{client, identity::claims};
use proto::user::v1::{
    ListSessionsRequest, ListSessionsResponse, LoginRequest, LoginResponse, LogoutRequest,
    LogoutResponse, RefreshSessionRequest, RefreshSessionResponse, RevokeSessionRequest,
    RevokeSessionResponse,
};
use tonic::{Request, Response, metadata::MetadataMap};

use super::{Api, Reply};
use crate::{
    convert::{self, cookie},
    error::Error,
    session::{Carrier, IssuedTokens, SessionId, list, login, logout, refresh},
    user::UserId,
};

pub(super) async fn login(api: &Api, request: Request<LoginRequest>) -> Reply<LoginResponse> {
    let network = client::network(&request)?;
    let login = convert::session::login(request)?;
    let (issued, devices) = login::login(&api.app, login, network).await?;
    let (mut metadata, refresh_token) = encode_refresh_token(&issued);
    let device_token = match issued.carrier {
        Carrier::Message => devices.own.expose().to_owned(),
        Carrier::Cookie => {
            cookie::set_devices(&mut metadata, &devices);
            String::new()
        }
    };
    let response = LoginResponse {
        access_token: issued.access_token.token,
        expires_in: issued.access_token.expires_in,
        refresh_token,
        user: Some(convert::user::encode(issued.user)),
        device_token,
    };
    Ok(Response::from_parts(metadata, response, Default::default()))
}

pub(super) async fn refresh_session(
    api: &Api,
    request: Request<RefreshSessionRequest>,
) -> Reply<RefreshSessionResponse> {
    let presented = convert::session::refresh_session(request)?;
    let (token, carrier) = presented.ok_or(Error::RefreshTokenInvalid)?;
    let issued = refresh::refresh_session(&api.app, &token, carrier).await?;
    let (metadata, refresh_token) = encode_refresh_token(&issued);
    let response = RefreshSessionResponse {
        access_token: issued.access_token.token,
        expires_in: issued.access_token.expires_in,
        refresh_token,
        user: Some(convert::user::encode(issued.user)),
    };
    Ok(Response::from_parts(metadata, response, Default::default()))
}

/// Returns the metadata of a response, with a cookie for a browser, and its field `refresh_token`.
fn encode_refresh_token(issued: &IssuedTokens) -> (MetadataMap, String) {
    let mut metadata = MetadataMap::new();
    let field = match issued.carrier {
        Carrier::Message => issued.refresh_token.expose().to_owned(),
        Carrier::Cookie => {
            cookie::set(&mut metadata, &issued.refresh_token, issued.refresh_duration);
            String::new()
        }
    };
    (metadata, field)
}

pub(super) async fn logout(api: &Api, request: Request<LogoutRequest>) -> Reply<LogoutResponse> {
    let claims = claims(&request)?;
    let user_id = UserId(claims.sub);
    if request.get_ref().everywhere {
        logout::logout_everywhere(&api.app, user_id).await?;
    } else if let Some(sid) = claims.sid {
        logout::logout(&api.app, user_id, SessionId(sid)).await?;
    }
    let mut response = Response::new(LogoutResponse {});
    cookie::clear(response.metadata_mut());
    Ok(response)
}

pub(super) async fn list_sessions(
    api: &Api,
    request: Request<ListSessionsRequest>,
) -> Reply<ListSessionsResponse> {
    let claims = claims(&request)?;
    let page = convert::session::list_sessions(request.get_ref(), claims.sub, &api.page_tokens)?;
    let listed = list::list_sessions(&api.app, UserId(claims.sub), &page).await?;
    let current = claims.sid.map(SessionId);
    let listed = listed.map(|session| convert::session::encode(session, current));
    let next_page_token = listed.next_page_token;
    Ok(Response::new(ListSessionsResponse { sessions: listed.items, next_page_token }))
}

pub(super) async fn revoke_session(
    api: &Api,
    request: Request<RevokeSessionRequest>,
) -> Reply<RevokeSessionResponse> {
    let user_id = UserId(claims(&request)?.sub);
    let id = convert::session::revoke_session(request.get_ref())?;
    logout::revoke_session(&api.app, user_id, id).await?;
    Ok(Response::new(RevokeSessionResponse {}))
}
