//! Authorization of every method of the contract. The methods come from the descriptors, so that
//! the tests cover a new one.

use bytes::Bytes;
use futures::future::join_all;
use mesh::access::{Access, Method, Methods};
use proto::order::v1::{CancelOrderRequest, GetOrderRequest, WatchOrderRequest};
use tests::{
    issuer::{Issuer, with_token},
    status::code_and_reason,
    store::{Protocol, Store, call_raw},
};
use tonic::{Code, Request, Status};

fn methods() -> Vec<(String, Method)> {
    let methods = Methods::read(proto::FILE_DESCRIPTOR_SET).expect("the descriptors are valid");
    methods.iter().map(|(path, method)| (path.to_owned(), method.clone())).collect()
}

/// Calls every method with an empty message, and returns the errors.
async fn call_all(store: &Store, token: Option<&str>) -> Vec<(String, Method, Option<Status>)> {
    let calls = methods().into_iter().map(|(path, method)| async {
        let request = match token {
            Some(token) => with_token(token, Bytes::new()),
            None => Request::new(Bytes::new()),
        };
        let response = call_raw(store.channel.clone(), &path, request).await;
        (path, method, response.err())
    });
    join_all(calls).await
}

/// Returns code and reason of the error of a call, if it has one.
fn result_of(status: Option<&Status>) -> (Code, String) {
    status.map_or((Code::Ok, String::new()), code_and_reason)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_has_an_access_level() {
    for (path, method) in methods() {
        assert_ne!(method.access, Access::Nobody, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_public_methods_can_be_called_without_a_valid_token() {
    let issuer = Issuer::start().await;
    let mut expired = issuer.admin();
    (expired.iat, expired.exp) = (expired.iat - 1200, expired.exp - 1200);
    let mut foreign = issuer.admin();
    foreign.iss = "elsewhere".into();
    let valid = issuer.token(&issuer.admin());
    let cases = [
        (None, "TOKEN_MISSING"),
        (Some("nonsense".to_owned()), "TOKEN_INVALID"),
        (Some(format!("{}x", &valid[..valid.len() - 2])), "TOKEN_INVALID"),
        (Some(issuer.token(&foreign)), "TOKEN_INVALID"),
        (Some(issuer.token(&expired)), "TOKEN_EXPIRED"),
    ];
    for protocol in [Protocol::Grpc, Protocol::GrpcWeb] {
        let store = Store::shared(protocol);
        for (token, expected) in &cases {
            for (path, method, status) in call_all(&store, token.as_deref()).await {
                let result = result_of(status.as_ref());
                match method.access {
                    Access::Public => assert_ne!(result.1, *expected, "{path} ignores tokens"),
                    Access::Internal { .. } => {
                        let unknown = (Code::Unimplemented, String::new());
                        assert_eq!(result, unknown, "{path}");
                    }
                    _ => assert_eq!(result, (Code::Unauthenticated, (*expected).into()), "{path}"),
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_cannot_call_the_methods_of_an_admin() {
    let store = Store::shared(Protocol::GrpcWeb);
    let pat = store.customer().await;
    for (path, method, status) in call_all(&store, Some(&pat.token)).await {
        if method.name == "Logout" {
            continue;
        }
        let result = result_of(status.as_ref());
        if method.access.role() == Some("admin") {
            assert_eq!(result, (Code::PermissionDenied, "ROLE_REQUIRED".into()), "{path}");
        } else {
            assert_ne!(result.0, Code::PermissionDenied, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_of_another_customer_is_not_found() {
    let store = Store::shared(Protocol::GrpcWeb);
    let admin = store.admin().await;
    let cup = store.product(&admin, 250, 3).await;
    let (pat, eve) = (store.customer().await, store.customer().await);
    let order_id = store.place(&pat, &[(&cup.product_id, 1)]).await.order_id;
    let not_found = (Code::NotFound, "ORDER_NOT_FOUND".to_owned());

    let request = eve.request(GetOrderRequest { order_id: order_id.clone() });
    let status = store.orders().get_order(request).await.expect_err("it is not Eve's order");
    assert_eq!(code_and_reason(&status), not_found);
    let request = eve.request(WatchOrderRequest { order_id: order_id.clone() });
    let status = store.orders().watch_order(request).await.expect_err("it is not Eve's order");
    assert_eq!(code_and_reason(&status), not_found);
    let request = eve.request(CancelOrderRequest { order_id });
    let status = store.orders().cancel_order(request).await.expect_err("it is not Eve's order");
    assert_eq!(code_and_reason(&status), not_found);
}
