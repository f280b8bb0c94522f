//! Who may call: tokens, cookies, and the address of the client.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod support;

use support::{
    Gateway,
    client::{Connection, frame, grpc, outcome, unary, web},
    issuer::Issuer,
    until,
    upstream::Upstream,
};
use tokio::net::TcpListener;
use tonic::{Code, Request};

const SAY: &str = "/shop.echo.v1.Echo/Say";
const TELL: &str = "/shop.echo.v1.Echo/Tell";
const RULE: &str = "/shop.echo.v1.Echo/Rule";
const OPEN: &str = "/shop.echo.v1.Session/Open";
const HOUR: i64 = 3600;

/// What a call of `path` with this `authorization` ends with.
async fn called(gateway: &Gateway, path: &str, authorization: Option<&str>) -> (Code, String) {
    let mut connection = Connection::http1(gateway.address).await;
    let mut request = web(path);
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    connection.exchange(request, frame(b"x")).await.outcome()
}

#[tokio::test]
async fn tokens_are_checked_where_the_contract_wants_one() {
    let (issuer, forger) = (Issuer::new(), Issuer::new());
    let upstream = Upstream::start().await;
    let jwks_url = issuer.serve().await;
    let gateway = Gateway::before(upstream.address, &[("jwks-url", &jwks_url)]).await;
    let bearer = |token: String| format!("Bearer {token}");
    let customer = bearer(issuer.token("customer", HOUR));
    let admin = bearer(issuer.token("admin", HOUR));
    let expired = bearer(issuer.token("admin", -HOUR));
    let forged = bearer(forger.token("admin", HOUR));

    let refused = |code: Code, reason: &str| (code, reason.to_owned());
    let missing = refused(Code::Unauthenticated, "TOKEN_MISSING");
    let invalid = refused(Code::Unauthenticated, "TOKEN_INVALID");
    for path in [TELL, RULE] {
        assert_eq!(called(&gateway, path, None).await, missing);
        assert_eq!(called(&gateway, path, Some("Basic eDp5")).await, missing);
        assert_eq!(called(&gateway, path, Some("Bearer nonsense")).await, invalid);
        assert_eq!(called(&gateway, path, Some(&forged)).await, invalid);
        for _ in 0..2 {
            let outcome = called(&gateway, path, Some(&expired)).await;
            assert_eq!(outcome, refused(Code::Unauthenticated, "TOKEN_EXPIRED"));
        }
    }
    let outcome = called(&gateway, RULE, Some(&customer)).await;
    assert_eq!(outcome, refused(Code::PermissionDenied, "ROLE_REQUIRED"));
    assert!(upstream.seen().is_empty(), "nothing was forwarded");

    let good = refused(Code::Ok, "");
    for (path, token) in [(TELL, &customer), (TELL, &admin), (RULE, &admin)] {
        assert_eq!(called(&gateway, path, Some(token)).await, good);
        assert_eq!(upstream.last()["authorization"], **token, "the service checks it again");
    }
    for token in [&expired, &forged] {
        assert_eq!(called(&gateway, SAY, Some(token)).await, good, "no token is needed");
    }
}

#[tokio::test]
async fn plain_grpc_is_told_of_a_missing_token_likewise() {
    let upstream = Upstream::start().await;
    let jwks_url = Issuer::new().serve().await;
    let gateway = Gateway::before(upstream.address, &[("jwks-url", &jwks_url)]).await;
    let mut client = grpc(gateway.address).await;
    let refused = unary(&mut client, "Tell", Request::new(String::new())).await.unwrap_err();
    assert_eq!(outcome(&refused), (Code::Unauthenticated, "TOKEN_MISSING".into()));
}

#[tokio::test]
async fn keys_that_cannot_be_had_make_a_call_unavailable_until_they_are_back() {
    let issuer = Issuer::new();
    let upstream = Upstream::start().await;
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let gateway = Gateway::before(upstream.address, &[("jwks-url", &Issuer::url(address))]).await;
    let token = format!("Bearer {}", issuer.token("customer", HOUR));
    let outcome = called(&gateway, TELL, Some(&token)).await;
    assert_eq!(outcome, (Code::Unavailable, "USER_SVC_UNAVAILABLE".into()));

    issuer.serve_on(TcpListener::bind(address).await.unwrap());
    until(async || called(&gateway, TELL, Some(&token)).await.0 == Code::Ok).await;
}

#[tokio::test]
async fn a_gateway_without_certificates_starts_and_serves_what_is_public() {
    let upstream = Upstream::start().await;
    let settings = [("tls-cert-file", "nowhere.pem"), ("jwks-url", "https://localhost:1/keys")];
    let gateway = Gateway::before(upstream.address, &settings).await;
    assert_eq!(called(&gateway, SAY, None).await.0, Code::Ok);
    let outcome = called(&gateway, TELL, Some("Bearer x")).await;
    assert_eq!(outcome, (Code::Unavailable, "USER_SVC_UNAVAILABLE".into()));
}

#[tokio::test]
async fn cookies_pass_on_their_paths_and_from_the_own_origin_only() {
    let upstream = Upstream::start().await;
    let settings = [("cookie-paths", "/shop.echo.v1.Session/")];
    let gateway = Gateway::before(upstream.address, &settings).await;
    for mut connection in Connection::both(gateway.address).await {
        let own = |path| web(path).header("cookie", "a=b").header("origin", "http://shop.example");

        let answer = connection.exchange(own(OPEN), frame(b"")).await;
        assert_eq!(answer.outcome().0, Code::Ok);
        assert_eq!(upstream.last()["cookie"], "a=b");
        assert_eq!(answer.headers["set-cookie"], "refresh_token=x");

        let answer = connection.exchange(own(SAY), frame(b"")).await;
        assert_eq!(answer.outcome().0, Code::Ok);
        assert!(!upstream.last().contains_key("cookie"));
        assert!(!answer.headers.contains_key("set-cookie"));

        let forwarded = upstream.seen().len();
        for origin in [None, Some("http://evil.example"), Some("http://shop.example:81")] {
            let mut request = web(OPEN).header("cookie", "a=b");
            if let Some(origin) = origin {
                request = request.header("origin", origin);
            }
            let answer = connection.exchange(request, frame(b"")).await;
            let refused = (Code::PermissionDenied, "CALLER_NOT_ALLOWED".into());
            assert_eq!(answer.outcome(), refused, "{origin:?}");
        }
        assert_eq!(upstream.seen().len(), forwarded);
    }
}

#[tokio::test]
async fn the_clients_address_is_the_peers_unless_a_trusted_proxy_says_more() {
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
async fn headers_of_the_clients_connection_do_not_reach_the_service() {
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
