//! Validation: a call reports all bad fields of its request at once.

use proto::user::v1::{
    ChangePasswordRequest, CreateApiClientRequest, DisableUserRequest, EnableUserRequest,
    ExchangeClientCredentialsRequest, ListUsersRequest, RequestEmailVerificationRequest,
    RequestPasswordResetRequest, ResetPasswordRequest, RevokeApiClientRequest, SetUserRoleRequest,
    SignUpRequest, VerifyEmailRequest,
};
use tests::{
    issuer::with_token,
    status::{bad_fields, reason},
};
use tonic::Status;

use crate::harness::{PASSWORD, login_request, sign_up_request, start, start_without_broker};

/// Returns the bad fields that a VALIDATION_FAILED reports.
fn reported<T>(result: Result<T, Status>) -> Vec<String> {
    let status = result.err().expect("the request is rejected");
    assert_eq!(reason(&status), "VALIDATION_FAILED");
    bad_fields(&status)
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_up_reports_all_bad_fields_and_none_of_their_values() {
    let service = start().await;
    let request = SignUpRequest {
        email: "nobody".into(),
        password: "short".into(),
        display_name: " ".into(),
    };
    let status = service.users().sign_up(request).await.unwrap_err();
    let leaks = |text: &str| status.message().contains(text);
    assert!(!leaks("nobody") && !leaks("short"), "{}", status.message());
    assert_eq!(reported::<()>(Err(status)), ["email", "password", "display_name"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_common_password_is_rejected_wherever_a_password_is_set() {
    let service = start_without_broker().await;
    service.sign_up("ada@example.com").await;
    let token = service.log_in("ada@example.com").await.access_token;
    let mut users = service.users();
    let common = || "PassWord123".to_owned();
    let request = SignUpRequest { password: common(), ..sign_up_request("bob@example.com") };
    assert_eq!(reported(users.sign_up(request).await), ["password"]);
    let request = ChangePasswordRequest {
        current_password: PASSWORD.into(),
        new_password: common(),
        ..ChangePasswordRequest::default()
    };
    let result = users.change_password(with_token(&token, request)).await;
    assert_eq!(reported(result), ["new_password"]);
    let request = ResetPasswordRequest { token: "x".into(), new_password: common() };
    assert_eq!(reported(users.reset_password(request).await), ["new_password"]);
    let result = users.login(login_request("ada@example.com", &common())).await;
    assert_eq!(reason(&result.unwrap_err()), "BAD_CREDENTIALS");
}

#[tokio::test(flavor = "multi_thread")]
async fn login_reports_all_bad_fields() {
    let service = start().await;
    for (email, password) in [("", ""), ("ada", "\0"), ("a b@example.com", &"x".repeat(129))] {
        let result = service.users().login(login_request(email, password)).await;
        assert_eq!(reported(result), ["email", "password"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_change_reports_all_bad_fields() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    let token = service.log_in("ada@example.com").await.access_token;
    for (current, new) in [("", ""), ("\0", "short"), (&*"x".repeat(129), &*"x".repeat(129))] {
        let request = ChangePasswordRequest {
            current_password: current.into(),
            new_password: new.into(),
            device_token: "x".repeat(129),
        };
        let result = service.users().change_password(with_token(&token, request)).await;
        assert_eq!(reported(result), ["current_password", "new_password", "device_token"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_of_links_report_all_bad_fields() {
    let service = start_without_broker().await;
    let mut users = service.users();
    for email in ["", "nobody", "a b@example.com"] {
        let request = RequestPasswordResetRequest { email: email.into() };
        assert_eq!(reported(users.request_password_reset(request).await), ["email"]);
        let request = RequestEmailVerificationRequest { email: email.into() };
        assert_eq!(reported(users.request_email_verification(request).await), ["email"]);
    }
    for token in [String::new(), "x".repeat(129)] {
        let request = ResetPasswordRequest { token: token.clone(), new_password: "short".into() };
        assert_eq!(reported(users.reset_password(request).await), ["token", "new_password"]);
        assert_eq!(reported(users.verify_email(VerifyEmailRequest { token }).await), ["token"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_of_api_clients_report_all_bad_fields() {
    let service = start().await;
    let admin = service.admin("grace@example.com").await.access_token;
    let mut users = service.users();
    let request = CreateApiClientRequest { request_id: "7".into(), ..Default::default() };
    let result = users.create_api_client(with_token(&admin, request)).await;
    assert_eq!(reported(result), ["name", "role", "request_id"]);
    let request = with_token(&admin, RevokeApiClientRequest { client_id: "7".into() });
    assert_eq!(reported(users.revoke_api_client(request).await), ["client_id"]);
    for client_secret in [String::new(), "x".repeat(1000)] {
        let request = ExchangeClientCredentialsRequest { client_id: "7".into(), client_secret };
        let result = users.exchange_client_credentials(request).await;
        assert_eq!(reported(result), ["client_id", "client_secret"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn admin_methods_of_accounts_report_all_bad_fields() {
    let service = start().await;
    let admin = service.admin("grace@example.com").await.access_token;
    let mut users = service.users();
    let request = ListUsersRequest {
        page_size: -1,
        page_token: "nonsense".into(),
        query: "x".repeat(201),
        role: 7,
    };
    let result = users.list_users(with_token(&admin, request)).await;
    assert_eq!(reported(result), ["query", "role", "page_size", "page_token"]);
    let request = SetUserRoleRequest { user_id: "7".into(), role: 0 };
    let result = users.set_user_role(with_token(&admin, request)).await;
    assert_eq!(reported(result), ["user_id", "role"]);
    let request = DisableUserRequest { user_id: String::new() };
    assert_eq!(reported(users.disable_user(with_token(&admin, request)).await), ["user_id"]);
    let request = EnableUserRequest { user_id: "7".into() };
    assert_eq!(reported(users.enable_user(with_token(&admin, request)).await), ["user_id"]);
}
