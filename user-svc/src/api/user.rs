//! `UserService`.

use mesh::identity::claims;
use proto::user::v1::{
    ChangePasswordRequest, ChangePasswordResponse, CreateApiClientRequest, CreateApiClientResponse,
    DisableUserRequest, DisableUserResponse, EnableUserRequest, EnableUserResponse,
    ExchangeClientCredentialsRequest, ExchangeClientCredentialsResponse, GetCurrentUserRequest,
    GetCurrentUserResponse, ListApiClientsRequest, ListApiClientsResponse, ListSessionsRequest,
    ListSessionsResponse, ListUsersRequest, ListUsersResponse, LoginRequest, LoginResponse,
    LogoutRequest, LogoutResponse, RefreshSessionRequest, RefreshSessionResponse,
    RequestEmailVerificationRequest, RequestEmailVerificationResponse, RequestPasswordResetRequest,
    RequestPasswordResetResponse, ResetPasswordRequest, ResetPasswordResponse,
    RevokeApiClientRequest, RevokeApiClientResponse, RevokeSessionRequest, RevokeSessionResponse,
    SetUserRoleRequest, SetUserRoleResponse, SignUpRequest, SignUpResponse,
    UpdateCurrentUserRequest, UpdateCurrentUserResponse, VerifyEmailRequest, VerifyEmailResponse,
    user_service_server::UserService,
};
use tonic::{Request, Response, Status, metadata::MetadataMap};

use super::Api;
use crate::{
    accounts, api_clients,
    convert::{self, EXPIRES_IN_SECONDS},
    cookie, credentials,
    error::Error,
    limit::Subject,
    link::Purpose,
    session::{Carrier, Secret, SessionId},
    sessions,
    user::UserId,
};

#[tonic::async_trait]
impl UserService for Api {
    async fn sign_up(
        &self,
        request: Request<SignUpRequest>,
    ) -> Result<Response<SignUpResponse>, Status> {
        let network = Subject::network(convert::client_address(&request)?);
        let account = convert::sign_up(request.into_inner())?;
        let user = accounts::sign_up(&self.app, account, &network).await?;
        Ok(Response::new(SignUpResponse { user: Some(convert::user(user)) }))
    }

    async fn login(
        &self,
        request: Request<LoginRequest>,
    ) -> Result<Response<LoginResponse>, Status> {
        let user_agent = convert::user_agent(request.metadata());
        let (email, password, carrier) = convert::login(request.into_inner())?;
        let granted = sessions::login(&self.app, &email, password, carrier, user_agent).await?;
        let mut metadata = MetadataMap::new();
        let refresh_token = self.hand_out(&granted.refresh_token, carrier, &mut metadata);
        let response = LoginResponse {
            access_token: granted.access_token,
            expires_in: EXPIRES_IN_SECONDS,
            refresh_token,
            user: Some(convert::user(granted.user)),
        };
        Ok(Response::from_parts(metadata, response, Default::default()))
    }

    async fn refresh_session(
        &self,
        request: Request<RefreshSessionRequest>,
    ) -> Result<Response<RefreshSessionResponse>, Status> {
        let token = convert::refresh_session(request)?;
        let (token, carrier) = token.ok_or(Error::RefreshTokenInvalid)?;
        let granted = sessions::refresh_session(&self.app, &token, carrier).await?;
        let mut metadata = MetadataMap::new();
        let refresh_token = self.hand_out(&granted.refresh_token, carrier, &mut metadata);
        let response = RefreshSessionResponse {
            access_token: granted.access_token,
            expires_in: EXPIRES_IN_SECONDS,
            refresh_token,
            user: Some(convert::user(granted.user)),
        };
        Ok(Response::from_parts(metadata, response, Default::default()))
    }

    async fn logout(
        &self,
        request: Request<LogoutRequest>,
    ) -> Result<Response<LogoutResponse>, Status> {
        let claims = claims(&request)?;
        let user_id = UserId(claims.sub);
        match (request.get_ref().everywhere, claims.sid) {
            (true, _) => sessions::logout_everywhere(&self.app, user_id).await?,
            (false, Some(sid)) => sessions::logout(&self.app, user_id, SessionId(sid)).await?,
            // An API client has no session to end.
            (false, None) => {}
        }
        let mut response = Response::new(LogoutResponse {});
        cookie::clear(response.metadata_mut());
        Ok(response)
    }

    async fn get_current_user(
        &self,
        request: Request<GetCurrentUserRequest>,
    ) -> Result<Response<GetCurrentUserResponse>, Status> {
        let user_id = UserId(claims(&request)?.sub);
        let user = accounts::get_current_user(&self.app, user_id).await?;
        Ok(Response::new(GetCurrentUserResponse { user: Some(convert::user(user)) }))
    }

    async fn exchange_client_credentials(
        &self,
        request: Request<ExchangeClientCredentialsRequest>,
    ) -> Result<Response<ExchangeClientCredentialsResponse>, Status> {
        let (id, secret) = convert::exchange_client_credentials(request.into_inner())?;
        let access_token = api_clients::exchange_client_credentials(&self.app, id, &secret).await?;
        let expires_in = EXPIRES_IN_SECONDS;
        Ok(Response::new(ExchangeClientCredentialsResponse { access_token, expires_in }))
    }

    async fn update_current_user(
        &self,
        request: Request<UpdateCurrentUserRequest>,
    ) -> Result<Response<UpdateCurrentUserResponse>, Status> {
        let id = UserId(claims(&request)?.sub);
        let display_name = convert::update_current_user(request.into_inner())?;
        let user = accounts::update_current_user(&self.app, id, &display_name).await?;
        Ok(Response::new(UpdateCurrentUserResponse { user: Some(convert::user(user)) }))
    }

    async fn change_password(
        &self,
        request: Request<ChangePasswordRequest>,
    ) -> Result<Response<ChangePasswordResponse>, Status> {
        let claims = claims(&request)?;
        let (id, session_id) = (UserId(claims.sub), claims.sid.map(SessionId));
        let (current, new) = convert::change_password(request.into_inner())?;
        credentials::change_password(&self.app, id, session_id, current, new).await?;
        Ok(Response::new(ChangePasswordResponse {}))
    }

    async fn request_password_reset(
        &self,
        request: Request<RequestPasswordResetRequest>,
    ) -> Result<Response<RequestPasswordResetResponse>, Status> {
        let network = Subject::network(convert::client_address(&request)?);
        let email = convert::email(&request.get_ref().email)?;
        credentials::request_link(&self.app, Purpose::ResetPassword, &email, &network).await?;
        Ok(Response::new(RequestPasswordResetResponse {}))
    }

    async fn reset_password(
        &self,
        request: Request<ResetPasswordRequest>,
    ) -> Result<Response<ResetPasswordResponse>, Status> {
        let (token, new) = convert::reset_password(request.into_inner())?;
        credentials::reset_password(&self.app, &token, new).await?;
        Ok(Response::new(ResetPasswordResponse {}))
    }

    async fn request_email_verification(
        &self,
        request: Request<RequestEmailVerificationRequest>,
    ) -> Result<Response<RequestEmailVerificationResponse>, Status> {
        let network = Subject::network(convert::client_address(&request)?);
        let email = convert::email(&request.get_ref().email)?;
        credentials::request_link(&self.app, Purpose::VerifyEmail, &email, &network).await?;
        Ok(Response::new(RequestEmailVerificationResponse {}))
    }

    async fn verify_email(
        &self,
        request: Request<VerifyEmailRequest>,
    ) -> Result<Response<VerifyEmailResponse>, Status> {
        let token = convert::verify_email(request.into_inner())?;
        credentials::verify_email(&self.app, &token).await?;
        Ok(Response::new(VerifyEmailResponse {}))
    }

    async fn list_sessions(
        &self,
        request: Request<ListSessionsRequest>,
    ) -> Result<Response<ListSessionsResponse>, Status> {
        let claims = claims(&request)?;
        let (caller, current) = (claims.sub.to_string(), claims.sid.map(SessionId));
        let request = request.get_ref();
        let scope = convert::scope("ListSessions", &caller);
        let page =
            convert::page(&self.page_tokens, &scope, request.page_size, &request.page_token)?;
        let (sessions, next) =
            sessions::list_sessions(&self.app, UserId(claims.sub), &page).await?;
        let session = |session| convert::session(session, current);
        Ok(Response::new(ListSessionsResponse {
            sessions: sessions.into_iter().map(session).collect(),
            next_page_token: self.page_tokens.next(&scope, next.as_ref()),
        }))
    }

    async fn revoke_session(
        &self,
        request: Request<RevokeSessionRequest>,
    ) -> Result<Response<RevokeSessionResponse>, Status> {
        let user_id = UserId(claims(&request)?.sub);
        let id = convert::session_id(&request.get_ref().session_id)?;
        sessions::revoke_session(&self.app, user_id, id).await?;
        Ok(Response::new(RevokeSessionResponse {}))
    }

    async fn list_users(
        &self,
        request: Request<ListUsersRequest>,
    ) -> Result<Response<ListUsersResponse>, Status> {
        let caller = claims(&request)?.sub.to_string();
        let (filter, page) = convert::list_users(request.get_ref(), &caller, &self.page_tokens)?;
        let (users, next) = accounts::list_users(&self.app, &filter, &page).await?;
        let scope = convert::list_users_scope(&filter, &caller);
        Ok(Response::new(ListUsersResponse {
            users: users.into_iter().map(convert::user).collect(),
            next_page_token: self.page_tokens.next(&scope, next.as_ref()),
        }))
    }

    async fn set_user_role(
        &self,
        request: Request<SetUserRoleRequest>,
    ) -> Result<Response<SetUserRoleResponse>, Status> {
        let actor_id = UserId(claims(&request)?.sub);
        let (id, role) = convert::set_user_role(request.get_ref())?;
        let user = accounts::set_user_role(&self.app, actor_id, id, role).await?;
        Ok(Response::new(SetUserRoleResponse { user: Some(convert::user(user)) }))
    }

    async fn disable_user(
        &self,
        request: Request<DisableUserRequest>,
    ) -> Result<Response<DisableUserResponse>, Status> {
        let actor_id = UserId(claims(&request)?.sub);
        let id = convert::user_id(&request.get_ref().user_id)?;
        let user = accounts::disable_user(&self.app, actor_id, id).await?;
        Ok(Response::new(DisableUserResponse { user: Some(convert::user(user)) }))
    }

    async fn enable_user(
        &self,
        request: Request<EnableUserRequest>,
    ) -> Result<Response<EnableUserResponse>, Status> {
        let id = convert::user_id(&request.get_ref().user_id)?;
        let user = accounts::enable_user(&self.app, id).await?;
        Ok(Response::new(EnableUserResponse { user: Some(convert::user(user)) }))
    }

    async fn create_api_client(
        &self,
        request: Request<CreateApiClientRequest>,
    ) -> Result<Response<CreateApiClientResponse>, Status> {
        let actor_id = claims(&request)?.sub;
        let (name, role, request_id) = convert::create_api_client(request.get_ref())?;
        let request = request_id.map(|request_id| (actor_id, request_id));
        let (client, secret) =
            api_clients::create_client(&self.app.database, request, name, role).await?;
        Ok(Response::new(CreateApiClientResponse {
            client_id: client.id.to_string(),
            client_secret: secret.expose().to_owned(),
            api_client: Some(convert::api_client(client)),
        }))
    }

    async fn list_api_clients(
        &self,
        request: Request<ListApiClientsRequest>,
    ) -> Result<Response<ListApiClientsResponse>, Status> {
        let caller = claims(&request)?.sub.to_string();
        let request = request.get_ref();
        let scope = convert::scope("ListApiClients", &caller);
        let page =
            convert::page(&self.page_tokens, &scope, request.page_size, &request.page_token)?;
        let (clients, next) = api_clients::list_clients(&self.app, &page).await?;
        Ok(Response::new(ListApiClientsResponse {
            api_clients: clients.into_iter().map(convert::api_client).collect(),
            next_page_token: self.page_tokens.next(&scope, next.as_ref()),
        }))
    }

    async fn revoke_api_client(
        &self,
        request: Request<RevokeApiClientRequest>,
    ) -> Result<Response<RevokeApiClientResponse>, Status> {
        let id = convert::client_id(&request.get_ref().client_id)?;
        api_clients::revoke_client(&self.app, id).await?;
        Ok(Response::new(RevokeApiClientResponse {}))
    }
}

impl Api {
    /// The refresh token for the message, or nothing and a cookie.
    fn hand_out(&self, token: &Secret, carrier: Carrier, metadata: &mut MetadataMap) -> String {
        match carrier {
            Carrier::Message => token.expose().to_owned(),
            Carrier::Cookie => {
                cookie::set(metadata, token, self.app.session_duration_max);
                String::new()
            }
        }
    }
}
