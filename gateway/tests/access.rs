//! Access to calls: tokens, cookies, and the address of the client.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod support;

use support::{
    Gateway,
    client::{Connection, frame, grpc, outcome, unary, web},
    until,
    upstream::Upstream,
};
use tests::issuer::{Issuer, JwksServer, SigningKey, claims};
use tokio::net::TcpListener;
use tonic::{Code, Request};

const SAY: &str = "/shop.echo.v1.Echo/Say";
const CUSTOMER: &str = "/shop.echo.v1.Echo/Customer";
const ADMIN: &str = "/shop.echo.v1.Echo/Admin";
const OPEN: &str = "/shop.echo.v1.Session/Open";
const MINUTE: i64 = 60;

/// Calls `path` with this `authorization`. Returns the code and the reason.
async fn call(gateway: &Gateway, path: &str, authorization: Option<&str>) -> (Code, String) {
    let mut connection = Connection::http1(gateway.address).await;
    let mut request = web(path);
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    connection.exchange(request, frame(b"x")).await.outcome()
}

#[tokio::test]
async fn a_token_is_checked_if_the_contract_requires_one() {
    let (issuer, forger) = (Issuer::start_plaintext().await, Issuer::start_plaintext().await);
    let upstream = Upstream::start().await;
    let gateway = Gateway::before(upstream.address, &[("jwks-url", &issuer.jwks_url)]).await;
    let bearer =
        |issuer: &Issuer, role, seconds| format!("Bearer {}", issuer.token(&claims(role, seconds)));
    let customer = bearer(&issuer, "customer", MINUTE);
    let admin = bearer(&issuer, "admin", MINUTE);
    let expired = bearer(&issuer, "admin", -MINUTE);
    let forged = bearer(&forger, "admin", MINUTE);

    let outcome = |code: Code, reason: &str| (code, reason.to_owned());
    let missing = outcome(Code::Unauthenticated, "TOKEN_MISSING");
    let invalid = outcome(Code::Unauthenticated, "TOKEN_INVALID");
    for path in [CUSTOMER, ADMIN] {
        assert_eq!(call(&gateway, path, None).await, missing);
        assert_eq!(call(&gateway, path, Some("Basic eDp5")).await, missing);
        assert_eq!(call(&gateway, path, Some("Bearer nonsense")).await, invalid);
        assert_eq!(call(&gateway, path, Some(&forged)).await, invalid);
        for _ in 0..2 {
            let result = call(&gateway, path, Some(&expired)).await;
            assert_eq!(result, outcome(Code::Unauthenticated, "TOKEN_EXPIRED"));
        }
    }
    let result = call(&gateway, ADMIN, Some(&customer)).await;
    assert_eq!(result, outcome(Code::PermissionDenied, "ROLE_REQUIRED"));
    assert!(upstream.seen().is_empty(), "nothing was forwarded");

    let ok = outcome(Code::Ok, "");
    for (path, token) in [(CUSTOMER, &customer), (CUSTOMER, &admin), (ADMIN, &admin)] {
        assert_eq!(call(&gateway, path, Some(token)).await, ok);
        assert_eq!(upstream.last()["authorization"], **token, "the service checks it again");
    }
    for token in [&expired, &forged] {
        assert_eq!(call(&gateway, SAY, Some(token)).await, ok, "no token is needed");
    }
}

#[tokio::test]
async fn plain_grpc_gets_the_same_error_for_a_missing_token() {
    let upstream = Upstream::start().await;
    let issuer = Issuer::start_plaintext().await;
    let gateway = Gateway::before(upstream.address, &[("jwks-url", &issuer.jwks_url)]).await;
    let mut client = grpc(gateway.address).await;
    let status = unary(&mut client, "Customer", Request::new(String::new())).await.unwrap_err();
    assert_eq!(outcome(&status), (Code::Unauthenticated, "TOKEN_MISSING".into()));
}

#[tokio::test]
async fn a_call_is_unavailable_while_the_public_keys_are() {
    let key = SigningKey::generate("k1");
    let upstream = Upstream::start().await;
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let jwks_url = JwksServer::url_at("http", address);
    let gateway = Gateway::before(upstream.address, &[("jwks-url", &jwks_url)]).await;
    let token = format!("Bearer {}", key.token(&claims("customer", MINUTE)));
    let outcome = call(&gateway, CUSTOMER, Some(&token)).await;
    assert_eq!(outcome, (Code::Unavailable, "USER_SVC_UNAVAILABLE".into()));

    JwksServer::start_on(TcpListener::bind(address).await.unwrap(), None, &[&key]);
    until(async || call(&gateway, CUSTOMER, Some(&token)).await.0 == Code::Ok).await;
}

#[tokio::test]
async fn a_gateway_without_certificates_serves_public_methods() {
    let upstream = Upstream::start().await;
    let settings = [("tls-cert-file", "nowhere.pem"), ("jwks-url", "https://localhost:1/keys")];
    let gateway = Gateway::before(upstream.address, &settings).await;
    assert_eq!(call(&gateway, SAY, None).await.0, Code::Ok);
    let outcome = call(&gateway, CUSTOMER, Some("Bearer x")).await;
    assert_eq!(outcome, (Code::Unavailable, "USER_SVC_UNAVAILABLE".into()));
}

#[tokio::test]
async fn cookies_pass_only_on_their_paths_and_from_the_own_origin() {
    let upstream = Upstream::start().await;
    let settings = [("cookie-paths", "/shop.echo.v1.Session/")];
    let gateway = Gateway::before(upstream.address, &settings).await;
    for mut connection in Connection::both(gateway.address).await {
        let own = |path| web(path).header("cookie", "a=b").header("origin", "http://shop.example");

        let response = connection.exchange(own(OPEN), frame(b"")).await;
        assert_eq!(response.outcome().0, Code::Ok);
        assert_eq!(upstream.last()["cookie"], "a=b");
        assert_eq!(response.headers["set-cookie"], "refresh_token=x");

        let response = connection.exchange(own(SAY), frame(b"")).await;
        assert_eq!(response.outcome().0, Code::Ok);
        assert!(!upstream.last().contains_key("cookie"));
        assert!(!response.headers.contains_key("set-cookie"));

        let forwarded = upstream.seen().len();
        for origin in [None, Some("http://evil.example"), Some("http://shop.example:81")] {
            let mut request = web(OPEN).header("cookie", "a=b");
            if let Some(origin) = origin {
                request = request.header("origin", origin);
            }
            let response = connection.exchange(request, frame(b"")).await;
            let rejected = (Code::PermissionDenied, "CALLER_NOT_ALLOWED".into());
            assert_eq!(response.outcome(), rejected, "{origin:?}");
        }
        assert_eq!(upstream.seen().len(), forwarded);
    }
}

#[tokio::test]
async fn the_address_of_the_client_is_that_of_the_peer_unless_it_is_a_trusted_proxy() {
    let upstream = Upstream::start().await;
    for (trusted, client) in [
        (None, "127.0.0.1"),
        (Some("10.0.0.0/8"), "127.0.0.1"),
        (Some("10.0.0.0/8,127.0.0.1"), "203.0.113.7"),
        (Some("127.0.0.0/8"), "203.0.113.7"),
    ] {
        let settings: Vec<_> =
            trusted.map(|proxies| ("trusted-proxies", proxies)).into_iter().collect();
        let gateway = Gateway::before(upstream.address, &settings).await;
        for mut connection in Connection::both(gateway.address).await {
            let request = web(SAY).header("x-forwarded-for", "203.0.113.7");
            connection.exchange(request, frame(b"")).await;
            assert_eq!(upstream.last()["x-forwarded-for"], client, "{trusted:?}");
        }
    }
}

#[tokio::test]
async fn hop_by_hop_headers_of_the_client_do_not_reach_the_service() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::before(upstream.address, &[]).await;
    let mut connection = Connection::http1(gateway.address).await;
    let request = web(SAY)
        .header("connection", "keep-alive, x-hop")
        .header("x-hop", "1")
        .header("x-kept", "1")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    connection.exchange(request, frame(b"")).await;
    let headers = upstream.last();
    for name in ["connection", "x-hop", "host", "content-length", "accept"] {
        assert!(!headers.contains_key(name), "{name}");
    }
    assert_eq!(headers["x-kept"], "1");
    assert_eq!(headers["te"], "trailers");
    assert!(headers["traceparent"].to_str().unwrap().contains("0af7651916cd43dd8448eb211c80319c"));
}
