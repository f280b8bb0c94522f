//! Access: which callers each method admits.

use bytes::Bytes;
use mesh::access::{Access, Method, Methods};
use proto::user::v1::LogoutRequest;
use tests::{
    issuer::{Issuer, with_token},
    store::call_raw,
};
use tonic::Request;

use crate::harness::{PASSWORD, login_request, rejection, start};

/// The methods of this service, by path.
fn methods() -> Vec<(String, Method)> {
    let methods = Methods::read(proto::FILE_DESCRIPTOR_SET).unwrap();
    let own = methods.iter().filter(|(path, _)| path.starts_with("/shopmesh.user."));
    own.map(|(path, method)| (path.to_owned(), method.clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_is_not_public_needs_a_token_of_this_service() {
    let service = start().await;
    let issuer = Issuer::start().await;
    let foreign = issuer.token(&issuer.admin());
    for (path, _) in methods().iter().filter(|(_, method)| method.access.role().is_some()) {
        let missing = service.call(path, Request::new(Bytes::new())).await;
        assert_eq!(rejection(missing), "TOKEN_MISSING", "{path}");
        for token in [foreign.as_str(), "nonsense"] {
            let invalid = service.call(path, with_token(token, Bytes::new())).await;
            assert_eq!(rejection(invalid), "TOKEN_INVALID", "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_internal_method_rejects_every_service_but_its_callers() {
    let service = start().await;
    let admin = service.admin("ada@example.com").await.access_token;
    let mut callers_of_all = Vec::new();
    for (path, method) in methods() {
        let Access::Internal { callers } = method.access else { continue };
        for caller in ["gateway", "product-svc", "order-svc", "notify-svc", "user-svc"] {
            let channel = service.process.channel(caller, proto::FILE_DESCRIPTOR_SET);
            let rejected = call_raw(channel, &path, with_token(&admin, Bytes::new())).await;
            let allowed = callers.iter().any(|allowed| allowed == caller);
            let expected = if allowed { "VALIDATION_FAILED" } else { "CALLER_NOT_ALLOWED" };
            assert_eq!(rejection(rejected), expected, "{path} by {caller}");
        }
        callers_of_all.extend(callers);
    }
    assert_eq!(callers_of_all, ["notify-svc"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_method_rejects_a_customer_before_it_reads_the_request() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    let ada = service.log_in("ada@example.com").await;
    for (path, _) in methods().iter().filter(|(_, method)| method.access.role() == Some("admin")) {
        let request = with_token(&ada.access_token, Bytes::new());
        assert_eq!(rejection(service.call(path, request).await), "ROLE_REQUIRED", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_method_ignores_tokens() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    let request = with_token("nonsense", login_request("ada@example.com", PASSWORD));
    assert!(service.users().login(request).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_ends_only_sessions_of_its_own_account() {
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
