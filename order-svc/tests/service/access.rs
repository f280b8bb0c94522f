//! Access to each method, as the contract declares it: a new method is tested without a
//! change here.

use std::time::Duration;

use mesh::{
    access::{Access, Methods},
    tls::Tls,
};
use tests::{
    eventually,
    issuer::{JwksServer, SigningKey, claims},
    rpc::call,
    service::tls_config,
    status::reason,
};
use tokio::net::TcpListener;

use crate::harness::Shop;

#[tokio::test(flavor = "multi_thread")]
async fn every_method_rejects_callers_that_the_contract_does_not_allow() {
    let shop = Shop::open().await;
    let methods = Methods::read(proto::FILE_DESCRIPTOR_SET).unwrap();
    let customer = shop.issuer.token(&shop.customer);
    let mut expired = shop.admin.clone();
    (expired.iat, expired.exp) = (expired.iat - 700, expired.iat - 100);
    let expired = shop.issuer.token(&expired);
    let mut tested = 0;
    for (path, method) in methods.iter().filter(|(path, _)| path.starts_with("/shopmesh.order.")) {
        tested += 1;
        let rejection = async |caller, token: Option<&str>| {
            reason(&call(shop.channel(caller), path, token, Vec::new()).await.unwrap_err())
        };
        match &method.access {
            Access::Roles(_) => {
                assert_eq!(rejection("gateway", None).await, "TOKEN_MISSING", "{path}");
                assert_eq!(rejection("gateway", Some("no")).await, "TOKEN_INVALID", "{path}");
                assert_eq!(rejection("gateway", Some(&expired)).await, "TOKEN_EXPIRED", "{path}");
            }
            Access::Internal { callers } => {
                assert_eq!(callers, &["product-svc"], "{path}");
                assert_eq!(rejection("gateway", None).await, "CALLER_NOT_ALLOWED", "{path}");
            }
            access => panic!("{path} is {access:?}"),
        }
        if method.access.role() == Some("admin") {
            assert_eq!(rejection("gateway", Some(&customer)).await, "ROLE_REQUIRED", "{path}");
        }
    }
    assert!(tested >= 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_a_withdrawn_key_is_rejected_although_it_was_accepted_before() {
    let (old, new) = (SigningKey::generate("k1"), SigningKey::generate("k2"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tls = Tls::load(&tls_config("user-svc")).unwrap();
    let issuer = JwksServer::start_on(listener, Some(tls), &[&old, &new]);
    let mut shop = Shop::closed().await;
    let mut config = shop.config.clone();
    config.settings.token.jwks_url = issuer.url.parse().unwrap();
    config.settings.token.jwks_age_seconds_max = Duration::from_millis(50);
    shop.restart(&config).await;
    let path = "/shopmesh.order.v1.OrderService/ListOrders";
    let token = old.token(&claims("customer", 600));
    let accepted = call(shop.channel("gateway"), path, Some(&token), Vec::new()).await;
    accepted.expect("the key is published");

    issuer.publish(&[&new]);
    eventually("the key is withdrawn", async || {
        let rejected = call(shop.channel("gateway"), path, Some(&token), Vec::new()).await.err()?;
        (reason(&rejected) == "TOKEN_INVALID").then_some(())
    })
    .await;
    let token = new.token(&claims("customer", 600));
    let accepted = call(shop.channel("gateway"), path, Some(&token), Vec::new()).await;
    accepted.expect("the other key is still published");
}
