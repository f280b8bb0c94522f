//! The gateway behind a proxy: an nginx of Debian with `proxy_pass` and nothing else.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod support;

use http_body_util::BodyExt;
use support::{
    Gateway, PATIENCE,
    client::{Connection, frame, full, web},
    upstream::Upstream,
};
use tests::nginx::Nginx;
use tokio::time::timeout;
use tonic::Code;

const OPEN: &str = "/shop.echo.v1.Session/Open";

async fn start(settings: &[(&str, &str)], directives: &str) -> (Upstream, Gateway, Nginx) {
    let upstream = Upstream::start().await;
    let all = [&[("cookie-paths", "/shop.echo.v1.Session/")], settings].concat();
    let gateway = Gateway::before(upstream.address, &all).await;
    let nginx = Nginx::before(&gateway.address.to_string(), directives).await;
    (upstream, gateway, nginx)
}

#[tokio::test]
async fn the_cookie_of_the_own_pages_passes_although_the_proxy_replaces_host() {
    let (upstream, _gateway, nginx) = start(&[("public-url", "https://shop.example")], "").await;
    for (name, value, accepted) in [
        ("sec-fetch-site", "same-origin", true),
        ("sec-fetch-site", "cross-site", false),
        ("origin", "https://shop.example", true),
        ("origin", "https://evil.example", false),
    ] {
        let mut connection = Connection::http1(nginx.address).await;
        let request = web(OPEN).header("cookie", "a=b").header(name, value);
        let response = connection.exchange(request, frame(b"")).await;
        assert_eq!(response.outcome().0 == Code::Ok, accepted, "{name}: {value}");
        if accepted {
            assert_eq!(upstream.last()["cookie"], "a=b");
            assert_eq!(response.headers["set-cookie"], "refresh_token=x");
        }
    }
}

#[tokio::test]
async fn a_message_of_a_stream_arrives_before_the_stream_ends() {
    let (_upstream, _gateway, nginx) = start(&[], "").await;
    let mut connection = Connection::http1(nginx.address).await;
    let request = web("/shop.echo.v1.Echo/Follow").header("x-do", "hang-after-one");
    let response = connection.send(request.body(full(frame(b""))).unwrap()).await.unwrap();
    let mut body = response.into_body();
    let first = timeout(PATIENCE, body.frame()).await.expect("it is not kept back");
    assert_eq!(first.unwrap().unwrap().into_data().unwrap(), frame(b"one"));
}

#[tokio::test]
async fn a_trusted_proxy_states_the_address_of_the_client() {
    let appends = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;";
    for (trusted, client) in [("127.0.0.1", "203.0.113.7"), ("192.0.2.0/24", "127.0.0.1")] {
        let (upstream, _gateway, nginx) = start(&[("trusted-proxies", trusted)], appends).await;
        let mut connection = Connection::http1(nginx.address).await;
        // Another trusted proxy before nginx, and what the client itself has written.
        let request = web(OPEN).header("x-forwarded-for", "6.6.6.6, 203.0.113.7");
        connection.exchange(request, frame(b"")).await;
        assert_eq!(upstream.last()["x-forwarded-for"], client, "{trusted}");
    }
}
