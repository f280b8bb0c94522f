//! `UserService`.

use mesh::token::claims;
use proto::user::v1::{
    ExchangeClientCredentialsRequest, ExchangeClientCredentialsResponse, GetCurrentUserRequest,
    GetCurrentUserResponse, LoginRequest, LoginResponse, LogoutRequest, LogoutResponse,
    RefreshSessionRequest, RefreshSessionResponse, SignUpRequest, SignUpResponse,
    user_service_server::UserService,
};
use tonic::{Request, Response, Status, metadata::MetadataMap};

use super::Api;
use crate::{
    accounts, api_clients,
    convert::{self, EXPIRES_IN_SECONDS},
    cookie,
    error::Error,
    limit::Subject,
    session::{Carrier, Secret, SessionId},
    sessions,
    user::UserId,
};

/// Methods that the contract has and this service has not yet, as async_trait writes them.
macro_rules! not_yet {
    ($($method:ident($request:ident) -> $response:ident,)*) => {$(
        fn $method<'life0, 'async_trait>(
            &'life0 self,
            _: Request<proto::user::v1::$request>,
        ) -> std::pin::Pin<
            Box<
                dyn Future<Output = Result<Response<proto::user::v1::$response>, Status>>
                    + Send
                    + 'async_trait,
            >,
        >
        where
            'life0: 'async_trait,
            Self: 'async_trait,
        {
            Box::pin(std::future::ready(Err(Error::Mesh(mesh::Error::MethodUnknown).into())))
        }
    )*};
}

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
        let (email, password, carrier) = convert::login(request.into_inner())?;
        let granted = sessions::login(&self.app, &email, password, carrier).await?;
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

    not_yet! {
        update_current_user(UpdateCurrentUserRequest) -> UpdateCurrentUserResponse,
        change_password(ChangePasswordRequest) -> ChangePasswordResponse,
        request_password_reset(RequestPasswordResetRequest) -> RequestPasswordResetResponse,
        reset_password(ResetPasswordRequest) -> ResetPasswordResponse,
        request_email_verification(RequestEmailVerificationRequest) -> RequestEmailVerificationResponse,
        verify_email(VerifyEmailRequest) -> VerifyEmailResponse,
        list_sessions(ListSessionsRequest) -> ListSessionsResponse,
        revoke_session(RevokeSessionRequest) -> RevokeSessionResponse,
        list_users(ListUsersRequest) -> ListUsersResponse,
        set_user_role(SetUserRoleRequest) -> SetUserRoleResponse,
        disable_user(DisableUserRequest) -> DisableUserResponse,
        enable_user(EnableUserRequest) -> EnableUserResponse,
        create_api_client(CreateApiClientRequest) -> CreateApiClientResponse,
        list_api_clients(ListApiClientsRequest) -> ListApiClientsResponse,
        revoke_api_client(RevokeApiClientRequest) -> RevokeApiClientResponse,
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
