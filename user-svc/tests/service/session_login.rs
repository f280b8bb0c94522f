//! Login, and the claims of its access token.

use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use proto::user::v1::LoginRequest;
use uuid::Uuid;

use crate::harness::{
    PASSWORD, login_request, rejection, set_cookie, sign_up_request, start, whole_error,
};

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_has_the_claims_of_its_account() {
    let service = start().await;
    service.sign_up("Ada@example.com").await;
    let login = service.log_in("ada@example.com").await;
    let claims = service.claims(&login.access_token).await.unwrap();
    assert_eq!(claims.sub.to_string(), login.user.unwrap().user_id);
    assert_eq!((claims.iss.as_str(), claims.aud.as_str()), ("shopmesh", "shopmesh"));
    assert_eq!((claims.exp - claims.iat, login.expires_in), (600, 600));
    assert_eq!(claims.role, "customer");
    assert_eq!(claims.email.as_deref(), Some("Ada@example.com"));
    assert!(!claims.email_verified);
    assert_eq!(claims.name, "Ada Lovelace");
    assert!(claims.sid.is_some());
    assert_ne!(claims.jti, Uuid::nil());

    service.execute("UPDATE users SET email_verified = true").await;
    let again = service.log_in("ada@example.com").await;
    let other = service.claims(&again.access_token).await.unwrap();
    assert!(other.email_verified);
    assert_ne!((claims.jti, claims.sid), (other.jti, other.sid));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_address_and_a_wrong_password_get_the_same_error() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    let mut users = service.users();
    let wrong = users.login(login_request("ada@example.com", "wrong")).await;
    let unknown = users.login(login_request("bob@example.com", PASSWORD)).await;
    let (code, message, details) = whole_error(wrong);
    assert_eq!(code, tonic::Code::Unauthenticated);
    assert_eq!((code, message, details), whole_error(unknown));
}

#[tokio::test(flavor = "multi_thread")]
async fn account_disabled_needs_the_right_password() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    let before = service.log_in("ada@example.com").await;
    service.execute("UPDATE users SET disabled_at = now()").await;
    let log_in = async |password| {
        rejection(service.users().login(login_request("ada@example.com", password)).await)
    };
    assert_eq!(log_in(PASSWORD).await, "ACCOUNT_DISABLED");
    assert_eq!(log_in("wrong").await, "BAD_CREDENTIALS");
    assert_eq!(rejection(service.refresh(&before.refresh_token).await), "ACCOUNT_DISABLED");
    // The token stays unused, in case the account is enabled again.
    service.execute("UPDATE users SET disabled_at = NULL").await;
    assert!(service.refresh(&before.refresh_token).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_gets_the_refresh_token_in_a_cookie_only() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    let request = LoginRequest { use_cookie: true, ..login_request("ada@example.com", PASSWORD) };
    let response = service.users().login(request).await.unwrap();
    let cookie = set_cookie(response.metadata()).unwrap();
    let (_, attributes) = cookie.split_once(';').unwrap();
    assert_eq!(
        attributes,
        " Path=/shopmesh.user.v1.UserService/; HttpOnly; Secure; SameSite=Strict; Max-Age=2592000"
    );
    assert_eq!(response.get_ref().refresh_token, "");

    let request = login_request("ada@example.com", PASSWORD);
    let response = service.users().login(request).await.unwrap();
    assert_eq!(set_cookie(response.metadata()), None);
    assert_ne!(response.get_ref().refresh_token, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_with_old_parameters_is_replaced_at_the_next_login() {
    let service = start().await;
    service.users().sign_up(sign_up_request("ada@example.com")).await.unwrap();
    let weak = Params::new(8, 1, 1, None).unwrap();
    let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, weak);
    let weak = weak.hash_password(PASSWORD.as_bytes()).unwrap();
    service.execute(&format!("UPDATE users SET password_hash = '{weak}'")).await;

    let wrong = service.users().login(login_request("ada@example.com", "wrong")).await;
    assert_eq!(rejection(wrong), "BAD_CREDENTIALS");
    let must_be = async |start: &str| {
        let sql =
            format!("DO $$ BEGIN ASSERT (SELECT password_hash LIKE '{start}%' FROM users); END $$");
        service.execute(&sql).await;
    };
    must_be("$argon2id$v=19$m=8,t=1,p=1$").await;
    service.log_in("ada@example.com").await;
    must_be("$argon2id$v=19$m=19456,t=2,p=1$").await;
    service.log_in("ada@example.com").await;
}
