//! Who may call what.

use mesh::{
    access::{Access, Methods},
    token::Role,
};
use proto::user::v1::{GetCurrentUserRequest, LogoutRequest};
use tests::issuer::{Issuer, with_token};

use crate::harness::{PASSWORD, login_request, refusal, start};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_public_needs_a_token_that_this_service_issued() {
    let service = start().await;
    let methods = Methods::read(proto::FILE_DESCRIPTOR_SET).unwrap();
    let mut closed: Vec<_> = methods
        .iter()
        .filter(|(path, method)| {
            path.starts_with("/shopmesh.user.") && method.access != Access::Public
        })
        .map(|(_, method)| method.name.as_str())
        .collect();
    closed.sort_unstable();
    assert_eq!(closed, ["GetCurrentUser", "Logout"], "each is called below");

    let mut users = service.users();
    assert_eq!(refusal(users.get_current_user(GetCurrentUserRequest {}).await), "TOKEN_MISSING");
    assert_eq!(refusal(users.logout(LogoutRequest::default()).await), "TOKEN_MISSING");
    // Another's key, and no token at all.
    let issuer = Issuer::start().await;
    let mut claims = issuer.admin();
    claims.role = Role::Admin;
    for token in [issuer.token(&claims).as_str(), "nonsense"] {
        let request = with_token(token, GetCurrentUserRequest {});
        assert_eq!(refusal(users.get_current_user(request).await), "TOKEN_INVALID");
        let request = with_token(token, LogoutRequest::default());
        assert_eq!(refusal(users.logout(request).await), "TOKEN_INVALID");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_public_does_not_look_at_tokens() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    let request = with_token("nonsense", login_request("ada@example.com", PASSWORD));
    assert!(service.users().login(request).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_ends_the_session_of_another() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    service.sign_up("eve@example.com").await;
    let ada = service.log_in("ada@example.com").await;
    let eve = service.log_in("eve@example.com").await;
    for everywhere in [false, true] {
        let request = with_token(&eve.access_token, LogoutRequest { everywhere });
        service.users().logout(request).await.unwrap();
    }
    assert!(service.refresh(&ada.refresh_token).await.is_ok());
}
