//! Who may call what: every method of the contract, from the descriptors, so that a
//! new one is tried too.

use bytes::Bytes;
use futures::future::join_all;
use mesh::access::{Access, Method, Methods};
use proto::order::v1::{CancelOrderRequest, GetOrderRequest, WatchOrderRequest};
use tests::{
    issuer::{Issuer, with_token},
    status::reason,
    store::{Protocol, Store, call_raw, place_order},
};
use tonic::{Code, Request, Status};

fn methods() -> Vec<(String, Method)> {
    let methods = Methods::read(proto::FILE_DESCRIPTOR_SET).expect("the contract");
    methods.iter().map(|(path, method)| (path.to_owned(), method.clone())).collect()
}

/// What every method answers to an empty message with this token.
async fn call_all(store: &Store, token: Option<&str>) -> Vec<(String, Method, Option<Status>)> {
    let calls = methods().into_iter().map(|(path, method)| async {
        let request = match token {
            Some(token) => with_token(token, Bytes::new()),
            None => Request::new(Bytes::new()),
        };
        let answer = call_raw(store.channel.clone(), &path, request).await;
        (path, method, answer.err())
    });
    join_all(calls).await
}

fn told(status: Option<&Status>) -> (Code, String) {
    status.map_or((Code::Ok, String::new()), |status| (status.code(), reason(status)))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_states_who_may_call_it() {
    for (path, method) in methods() {
        assert_ne!(method.access, Access::Nobody, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_method_but_a_public_one_answers_without_a_good_token() {
    let issuer = Issuer::start().await;
    let mut expired = issuer.admin();
    (expired.iat, expired.exp) = (expired.iat - 1200, expired.exp - 1200);
    let mut elsewhere = issuer.admin();
    elsewhere.iss = "elsewhere".into();
    let good = issuer.token(&issuer.admin());
    let cases = [
        (None, "TOKEN_MISSING"),
        (Some("nonsense".to_owned()), "TOKEN_INVALID"),
        (Some(format!("{}x", &good[..good.len() - 2])), "TOKEN_INVALID"),
        (Some(issuer.token(&elsewhere)), "TOKEN_INVALID"),
        (Some(issuer.token(&expired)), "TOKEN_EXPIRED"),
    ];
    for protocol in [Protocol::Grpc, Protocol::GrpcWeb] {
        let store = Store::shared(protocol);
        for (token, want) in &cases {
            for (path, method, status) in call_all(&store, token.as_deref()).await {
                let told = told(status.as_ref());
                match method.access {
                    Access::Public => assert_ne!(told.1, *want, "{path} ignores tokens"),
                    Access::Internal { .. } => {
                        assert_eq!(told, (Code::Unimplemented, "METHOD_UNKNOWN".into()), "{path}");
                    }
                    _ => assert_eq!(told, (Code::Unauthenticated, (*want).into()), "{path}"),
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_may_call_no_method_of_an_admin() {
    let store = Store::shared(Protocol::GrpcWeb);
    let pat = store.customer().await;
    for (path, method, status) in call_all(&store, Some(&pat.token)).await {
        if method.name == "Logout" {
            continue;
        }
        let told = told(status.as_ref());
        if method.access.role() == Some("admin") {
            assert_eq!(told, (Code::PermissionDenied, "ROLE_REQUIRED".into()), "{path}");
        } else {
            assert_ne!(told.0, Code::PermissionDenied, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_order_is_not_found() {
    let store = Store::shared(Protocol::GrpcWeb);
    let admin = store.admin().await;
    let cup = store.product(&admin, 250, 3).await;
    let (pat, eve) = (store.customer().await, store.customer().await);
    let placed =
        store.orders().place_order(pat.request(place_order(&[(&cup.product_id, 1)]))).await;
    let order_id = placed.expect("there is enough").into_inner().order.expect("it has it").order_id;

    let request = eve.request(GetOrderRequest { order_id: order_id.clone() });
    let status = store.orders().get_order(request).await.expect_err("it is not hers");
    assert_eq!((status.code(), &*reason(&status)), (Code::NotFound, "ORDER_NOT_FOUND"));
    let request = eve.request(WatchOrderRequest { order_id: order_id.clone() });
    let status = store.orders().watch_order(request).await.expect_err("it is not hers");
    assert_eq!((status.code(), &*reason(&status)), (Code::NotFound, "ORDER_NOT_FOUND"));
    let request = eve.request(CancelOrderRequest { order_id });
    let status = store.orders().cancel_order(request).await.expect_err("it is not hers");
    assert_eq!((status.code(), &*reason(&status)), (Code::NotFound, "ORDER_NOT_FOUND"));
}
