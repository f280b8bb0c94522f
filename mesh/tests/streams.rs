//! Which streams a service admits, of one client and in total, and how long each may last.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod support;

use std::time::Duration;

use http_body_util::BodyExt;
use mesh::access::Access;
use support::service::{STREAMS_PER_CLIENT_MAX, Service, UPLOAD, WATCH, call, peer, status};
use tests::{issuer::claims, status::reason};
use tokio::time::timeout;
use tonic::Code;

#[tokio::test]
async fn streams_of_health_and_reflection_have_permits() {
    const HEALTH_WATCH: &str = "/grpc.health.v1.Health/Watch";
    const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    let service = Service::with_limits(1, 1, Duration::from_secs(30));
    for path in [HEALTH_WATCH, REFLECTION] {
        let stream = service.send(call(path).header("x-do", "stream")).await;
        assert_eq!(reason(&service.status(call(UPLOAD)).await), "OVERLOADED");
        assert_eq!(reason(&service.status(call(path)).await), "OVERLOADED");
        assert_eq!(service.status(call(WATCH)).await.code(), Code::Ok, "of live updates");
        let check = service.status(call("/grpc.health.v1.Health/Check")).await;
        assert_eq!(check.code(), Code::Ok, "a busy service reports its health");
        drop(stream);
    }
    assert_eq!(service.status(call(UPLOAD)).await.code(), Code::Ok);
}

#[tokio::test]
async fn a_client_has_some_streams_and_leaves_the_others_to_other_clients() {
    let service = Service::new();
    let methods = support::notes();
    let tokens = ["editor", "editor"].map(|role| service.key.token(&claims(role, 600)));
    let mut checked = 0;
    for (path, method) in methods.iter().filter(|(_, method)| method.streaming) {
        // A public method counts networks, whatever the token, and any other method accounts.
        let is_public = method.access == Access::Public;
        let call = |path: &str, client: usize| {
            let (token, address) = if is_public { (0, client) } else { (client, 0) };
            call(path)
                .header("authorization", format!("Bearer {}", tokens[token]))
                .header("x-forwarded-for", format!("192.0.2.{address}"))
                .extension(peer(Some("gateway")))
        };
        let mut streams = Vec::new();
        for _ in 0..STREAMS_PER_CLIENT_MAX {
            let stream = service.send(call(path, 0).header("x-do", "stream")).await;
            assert_eq!(status(stream.headers()).code(), Code::Ok, "{path}");
            streams.push(stream);
        }
        let rejected = service.status(call(path, 0)).await;
        let rejected = (rejected.code(), &*reason(&rejected));
        assert_eq!(rejected, (Code::ResourceExhausted, "OVERLOADED"), "{path}");
        assert_eq!(service.status(call(path, 1)).await.code(), Code::Ok, "{path}: another client");
        let (other, _) = methods
            .iter()
            .find(|(_, other)| {
                other.streaming
                    && other.resumable != method.resumable
                    && other.access == method.access
            })
            .unwrap();
        assert_eq!(service.status(call(other, 0)).await.code(), Code::Ok, "{path} and {other}");
        streams.pop();
        assert_eq!(service.status(call(path, 0)).await.code(), Code::Ok, "{path}: one has ended");
        checked += 1;
    }
    assert_eq!(checked, 5);
}

#[tokio::test]
async fn live_updates_and_other_streams_have_permits_of_their_own() {
    let service = Service::with_limits(1, 1, Duration::from_secs(30));
    for (path, other) in [(WATCH, UPLOAD), (UPLOAD, WATCH)] {
        let stream = service.send(call(path).header("x-do", "stream")).await;
        assert_eq!(reason(&service.status(call(path)).await), "OVERLOADED");
        assert_eq!(service.status(call(other)).await.code(), Code::Ok, "{other}");
        drop(stream);
    }
}

#[tokio::test]
async fn a_stream_keeps_its_permit_until_its_body_ends() {
    let service = Service::with_limits(1, 1, Duration::from_secs(30));
    let stream = service.send(call(WATCH).header("x-do", "stream")).await;
    assert_eq!(reason(&service.status(call(WATCH)).await), "OVERLOADED");
    drop(stream);
    let stream = service.send(call(WATCH)).await;
    assert_eq!(status(stream.headers()).code(), Code::Ok);
    // An empty stream that was read to its end, and dropped with its body.
    stream.into_body().collect().await.unwrap();
    assert_eq!(service.status(call(WATCH)).await.code(), Code::Ok);
}

#[tokio::test]
async fn a_stream_may_last_longer_than_the_deadline_of_its_response_headers() {
    let service = Service::with_limits(1, 1, Duration::from_millis(50));
    let stream = service.send(call(WATCH).header("x-do", "stream")).await;
    let mut body = stream.into_body();
    let ended = timeout(Duration::from_millis(200), body.frame()).await;
    assert!(ended.is_err(), "the stream goes on");
}
