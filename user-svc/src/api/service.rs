//! The methods of `UserService`, by noun.

use proto::user::v1::{self as pb, user_service_server::UserService};
use tonic::Request;

use super::{Api, Reply, api_client, link, password, session, user};

/// Implements `UserService`: each method calls the function of the same name in the file of its noun.
macro_rules! delegate {
    ($($noun:ident: $($method:ident($request:ident) -> $response:ident,)+;)+) => {
        #[tonic::async_trait]
        impl UserService for Api {
            $($(
                async fn $method(&self, request: Request<pb::$request>) -> Reply<pb::$response> {
                    $noun::$method(self, request).await
                }
            )+)+
        }
    };
}

delegate! {
    user:
        sign_up(SignUpRequest) -> SignUpResponse,
        get_current_user(GetCurrentUserRequest) -> GetCurrentUserResponse,
        update_current_user(UpdateCurrentUserRequest) -> UpdateCurrentUserResponse,
        list_users(ListUsersRequest) -> ListUsersResponse,
        set_user_role(SetUserRoleRequest) -> SetUserRoleResponse,
        disable_user(DisableUserRequest) -> DisableUserResponse,
        enable_user(EnableUserRequest) -> EnableUserResponse,
    ;
    session:
        login(LoginRequest) -> LoginResponse,
        refresh_session(RefreshSessionRequest) -> RefreshSessionResponse,
        logout(LogoutRequest) -> LogoutResponse,
        list_sessions(ListSessionsRequest) -> ListSessionsResponse,
        revoke_session(RevokeSessionRequest) -> RevokeSessionResponse,
    ;
    password:
        change_password(ChangePasswordRequest) -> ChangePasswordResponse,
    ;
    link:
        request_password_reset(RequestPasswordResetRequest) -> RequestPasswordResetResponse,
        reset_password(ResetPasswordRequest) -> ResetPasswordResponse,
        request_email_verification(RequestEmailVerificationRequest)
            -> RequestEmailVerificationResponse,
        verify_email(VerifyEmailRequest) -> VerifyEmailResponse,
    ;
    api_client:
        create_api_client(CreateApiClientRequest) -> CreateApiClientResponse,
        list_api_clients(ListApiClientsRequest) -> ListApiClientsResponse,
        revoke_api_client(RevokeApiClientRequest) -> RevokeApiClientResponse,
        exchange_client_credentials(ExchangeClientCredentialsRequest)
            -> ExchangeClientCredentialsResponse,
    ;
}
