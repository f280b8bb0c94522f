//! Failures: early responses, limits, deadlines, services that restart, and the drain of the
//! gateway.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod support;

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use futures::{StreamExt, future::join_all, stream};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use support::{
    Gateway,
    client::{
        AnyBody, Connection, FullResponse, frame, full, grpc, outcome, path, unary, web, writable,
    },
    until,
    upstream::{Upstream, header},
};
use tokio::{net::TcpListener, time::timeout};
use tonic::{Code, Request};

const SAY: &str = "/shop.echo.v1.Echo/Say";
const READ: &str = "/shop.echo.v1.Echo/Read";
const FOLLOW: &str = "/shop.echo.v1.Echo/Follow";
const WATCH: &str = "/shop.echo.v1.Echo/Watch";
const UPLOAD: &str = "/shop.echo.v1.Echo/Upload";
const CHAT: &str = "/shop.echo.v1.Echo/Chat";
const PREFIX_BYTES: usize = 5;
const MIB: usize = 1 << 20;

async fn start(settings: &[(&str, &str)]) -> (Upstream, Gateway) {
    let upstream = Upstream::start().await;
    let gateway = Gateway::before(upstream.address, settings).await;
    (upstream, gateway)
}

/// Returns a body in pieces, each of which is sent only when the one before was read.
fn in_pieces(body: Bytes) -> AnyBody {
    let pieces: Vec<_> = body.chunks(64 << 10).map(Bytes::copy_from_slice).collect();
    let pieces = stream::iter(pieces).map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
    StreamBody::new(pieces).map_err(|never| match never {}).boxed_unsync()
}

async fn assert_usable(connection: &mut Connection) {
    let response = connection.exchange(web(SAY), frame(b"again")).await;
    assert_eq!(response.messages(), [Bytes::from("again")], "on the same connection");
}

#[tokio::test]
async fn an_early_error_leaves_the_connection_usable() {
    let (_upstream, gateway) = start(&[("jwks-url", "http://localhost:1/keys")]).await;
    for mut connection in Connection::both(gateway.address).await {
        for (target, code) in [
            ("/shop.echo.v1.Echo/Nothing", Code::Unimplemented),
            ("/shop.echo.v1.Echo/Customer", Code::Unauthenticated),
        ] {
            let request = web(target).body(in_pieces(frame(&vec![0; 3 * MIB]))).unwrap();
            let response = FullResponse::read(connection.send(request).await.unwrap()).await;
            assert_eq!(response.outcome().0, code);
            assert_usable(&mut connection).await;
        }
        let request = http::Request::post(SAY)
            .header("host", "shop.example")
            .header("content-type", "application/json")
            .body(in_pieces(Bytes::from(vec![b' '; 3 * MIB])))
            .unwrap();
        let response = FullResponse::read(connection.send(request).await.unwrap()).await;
        assert_eq!(response.status, 415);
        assert_usable(&mut connection).await;
    }
}

#[tokio::test]
async fn an_early_response_of_the_service_leaves_the_connection_usable() {
    let (_upstream, gateway) = start(&[("request-bytes-default", "4194304")]).await;
    for mut connection in Connection::both(gateway.address).await {
        let request = web(SAY).header("x-do", "reject");
        let request = request.body(in_pieces(frame(&vec![0; 3 * MIB]))).unwrap();
        let response = FullResponse::read(connection.send(request).await.unwrap()).await;
        assert_eq!(response.outcome().0, Code::FailedPrecondition);
        assert_usable(&mut connection).await;
    }
}

#[tokio::test]
async fn a_response_may_arrive_before_the_request_has_ended() {
    let (_upstream, gateway) = start(&[]).await;
    for mut connection in Connection::both(gateway.address).await {
        let (pieces, body) = writable();
        let response = connection.send(web("/no.such/Method").body(body).unwrap()).await.unwrap();
        assert_eq!(header(response.headers(), "grpc-status"), "12");
        // Over HTTP/2 the rest of the request may already be cancelled.
        let _ = pieces.send(frame(b"late")).await;
        drop(pieces);
        FullResponse::read(response).await;
        assert_usable(&mut connection).await;
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_rejected_and_the_connection_stays_usable() {
    let (upstream, gateway) = start(&[]).await;
    let too_large = (Code::ResourceExhausted, "MESSAGE_TOO_LARGE".to_owned());
    for mut connection in Connection::both(gateway.address).await {
        for (target, bytes_max) in
            [(SAY, 64 << 10), (READ, 64 << 10), (FOLLOW, 64 << 10), (UPLOAD, MIB)]
        {
            let largest = frame(&vec![7; bytes_max - PREFIX_BYTES]);
            for larger in [
                frame(&vec![0; bytes_max - PREFIX_BYTES + 1]),
                [&largest[..], &frame(b"")].concat().into(),
                frame(&vec![0; 17 * MIB]).slice(..100),
            ] {
                let request = web(target).header("x-do", "echo-whole");
                let request = request.body(in_pieces(larger)).unwrap();
                let response = FullResponse::read(connection.send(request).await.unwrap()).await;
                assert_eq!(response.outcome(), too_large, "{target}");
                assert_usable(&mut connection).await;
            }
            let response = connection.exchange(web(target), largest).await;
            assert_eq!(response.outcome().0, Code::Ok, "{target}");
            assert_eq!(response.messages()[0].len(), bytes_max - PREFIX_BYTES);
        }
    }
    upstream.until_in_flight(0).await;
}

#[tokio::test]
async fn a_stream_of_messages_may_be_longer_than_the_limit_of_one() {
    let (_upstream, gateway) = start(&[]).await;
    let mut client = grpc(gateway.address).await;
    let chat = async |client: &mut tonic::client::Grpc<_>, sizes: &[usize]| {
        client.ready().await.unwrap();
        let words: Vec<_> = sizes.iter().map(|&size| "x".repeat(size)).collect();
        let words = Request::new(stream::iter(words));
        let codec = tonic_prost::ProstCodec::<String, String>::default();
        let mut messages = client.streaming(words, path("Chat"), codec).await?.into_inner();
        let mut count = 0;
        while messages.message().await?.is_some() {
            count += 1;
        }
        Ok::<_, tonic::Status>(count)
    };
    assert_eq!(chat(&mut client, &[60_000; 10]).await.unwrap(), 10);
    let status = chat(&mut client, &[60_000, 70_000]).await.unwrap_err();
    assert_eq!(outcome(&status), (Code::ResourceExhausted, "MESSAGE_TOO_LARGE".into()));
}

#[tokio::test]
async fn the_deadline_of_the_client_is_enforced_and_propagated_shrunk() {
    let (upstream, gateway) = start(&[]).await;
    let exceeded = (Code::DeadlineExceeded, String::new());
    for mut connection in Connection::both(gateway.address).await {
        for (target, behaviour) in [
            (SAY, "hang"),
            (READ, "hang"),
            (FOLLOW, "hang"),
            (SAY, "hang-after-one"),
            (FOLLOW, "hang-after-one"),
        ] {
            let request = web(target).header("x-do", behaviour).header("grpc-timeout", "50m");
            let response = connection.exchange(request, frame(b"")).await;
            assert_eq!(response.outcome(), exceeded, "{target} {behaviour}");
            let timeout = header(&upstream.last(), "grpc-timeout");
            let milliseconds: u64 = timeout.strip_suffix('m').unwrap().parse().unwrap();
            assert!(milliseconds <= 50, "{timeout}");
        }
    }
    upstream.until_in_flight(0).await;
}

#[tokio::test]
async fn the_gateway_limits_the_duration_of_calls_and_of_streams_apart() {
    let (upstream, gateway) =
        start(&[("call-seconds-max", "1"), ("stream-seconds-max", "900")]).await;
    let mut connection = Connection::http1(gateway.address).await;
    let request = web(SAY).header("x-do", "hang").header("grpc-timeout", "1H");
    let response = connection.exchange(request, frame(b"")).await;
    assert_eq!(response.outcome().0, Code::DeadlineExceeded);

    connection.exchange(web(FOLLOW), frame(b"")).await;
    assert!(
        !upstream.last().contains_key("grpc-timeout"),
        "the limit of the gateway is not propagated"
    );
    connection.exchange(web(FOLLOW).header("grpc-timeout", "1H"), frame(b"")).await;
    let timeout = header(&upstream.last(), "grpc-timeout");
    let milliseconds: u64 = timeout.strip_suffix('m').unwrap().parse().unwrap();
    assert!((890_000..=900_000).contains(&milliseconds), "{timeout}");
}

#[tokio::test]
async fn a_request_that_never_ends_ends_at_the_deadline() {
    let (upstream, gateway) = start(&[]).await;
    for mut connection in Connection::both(gateway.address).await {
        for target in [SAY, READ] {
            let (pieces, body) = writable();
            pieces.send(Bytes::from_static(b"\0\0\0")).await.unwrap();
            let request = web(target).header("x-do", "echo-whole").header("grpc-timeout", "100m");
            let request = request.body(body).unwrap();
            let response = connection.send(request).await.unwrap();
            drop(pieces);
            let response = FullResponse::read(response).await;
            assert_eq!(response.outcome().0, Code::DeadlineExceeded, "{target}");
        }
    }
    upstream.until_in_flight(0).await;
}

#[tokio::test]
async fn a_client_that_disconnects_cancels_its_call() {
    let (upstream, gateway) = start(&[]).await;
    for behaviour in ["hang", "hang-after-one"] {
        for mut connection in Connection::both(gateway.address).await {
            let request = web(FOLLOW).header("x-do", behaviour).body(full(frame(b""))).unwrap();
            tokio::select! {
                _ = async {
                    let response = connection.send(request).await;
                    std::future::pending::<()>().await;
                    drop(response);
                } => {}
                () = upstream.until_in_flight(1) => {}
            }
            drop(connection);
            upstream.until_in_flight(0).await;
        }
    }
}

#[tokio::test]
async fn calls_above_the_limit_are_shed() {
    let (upstream, gateway) = start(&[("calls-max", "1"), ("streams-max", "1")]).await;
    for (taken, free) in [(FOLLOW, SAY), (SAY, FOLLOW)] {
        let mut busy = Connection::http2(gateway.address).await;
        let behaviour = if taken == FOLLOW { "hang-after-one" } else { "hang" };
        let request = web(taken).header("x-do", behaviour).body(full(frame(b""))).unwrap();
        let held = tokio::spawn(async move { busy.send(request).await });
        upstream.until_in_flight(1).await;
        let mut other = Connection::http1(gateway.address).await;
        let response = other.exchange(web(taken), frame(b"")).await;
        assert_eq!(response.outcome(), (Code::ResourceExhausted, "OVERLOADED".into()));
        let response = other.exchange(web(free), frame(b"")).await;
        assert_eq!(response.outcome().0, Code::Ok, "streams and other calls have their own limits");
        held.abort();
        drop(held);
        upstream.until_in_flight(0).await;
        until(async || other.exchange(web(taken), frame(b"")).await.outcome().0 == Code::Ok).await;
    }
}

#[tokio::test]
async fn a_service_that_is_down_is_unavailable_until_it_restarts() {
    let (upstream, gateway) = start(&[]).await;
    let address = upstream.kill().await;
    for mut connection in Connection::both(gateway.address).await {
        for target in [SAY, READ] {
            let response = connection.exchange(web(target), frame(b"")).await;
            assert_eq!(response.outcome(), (Code::Unavailable, "ECHO_SVC_UNAVAILABLE".into()));
        }
    }
    let _upstream = Upstream::start_at(address).await;
    let mut connection = Connection::http1(gateway.address).await;
    let response = connection.exchange(web(SAY), frame(b"")).await;
    assert_eq!(response.outcome().0, Code::Ok, "the call waits for the connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_idempotent_call_fails_while_the_service_restarts() {
    let (mut upstream, gateway) = start(&[]).await;
    let address = gateway.address;
    let (done, finished) = tokio::sync::watch::channel(false);
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let finished = finished.clone();
            tokio::spawn(async move {
                let mut connection = Connection::http2(address).await;
                let mut calls = 0;
                while !*finished.borrow() {
                    let response = connection.exchange(web(READ), frame(b"x")).await;
                    assert_eq!(response.grpc().code(), Code::Ok, "{:?}", response.grpc());
                    calls += 1;
                }
                calls
            })
        })
        .collect();
    for _ in 0..3 {
        let seen = upstream.seen().len();
        until(async || {
            tokio::task::yield_now().await;
            upstream.seen().len() >= seen + 100
        })
        .await;
        upstream = Upstream::start_at(upstream.kill().await).await;
    }
    done.send(true).unwrap();
    let calls: usize = join_all(callers).await.into_iter().map(Result::unwrap).sum();
    assert!(calls > 300, "{calls}");
}

#[tokio::test]
async fn a_call_that_is_not_idempotent_is_never_sent_twice() {
    let (upstream, gateway) = start(&[]).await;
    let mut connection = Connection::http1(gateway.address).await;
    let request = web(SAY).header("x-do", "unavailable");
    assert_eq!(connection.exchange(request, frame(b"")).await.outcome().0, Code::Unavailable);
    assert_eq!(upstream.seen().len(), 1);
    let request = web(READ).header("x-do", "unavailable");
    assert_eq!(connection.exchange(request, frame(b"")).await.outcome().0, Code::Unavailable);
    assert_eq!(upstream.seen().len(), 1 + 3, "an idempotent call is retried");
}

#[tokio::test]
async fn calls_in_flight_complete_when_the_gateway_is_terminated() {
    let (upstream, gateway) = start(&[]).await;
    let mut connections = Connection::both(gateway.address).await;
    let mut bodies = Vec::new();
    let mut responses = Vec::new();
    for connection in &mut connections {
        let (pieces, body) = writable();
        pieces.send(frame(b"before")).await.unwrap();
        let response = connection.send(web(CHAT).body(body).unwrap()).await.unwrap();
        bodies.push(pieces);
        responses.push(response);
    }
    upstream.until_in_flight(2).await;
    gateway.terminate();
    // No new connection is accepted: the calls drain from now on.
    until(async || tokio::net::TcpStream::connect(gateway.address).await.is_err()).await;
    for pieces in bodies {
        pieces.send(frame(b"after")).await.unwrap();
    }
    for response in responses {
        let response = FullResponse::read(response).await;
        assert_eq!(response.messages(), ["before", "after"].map(Bytes::from));
        assert_eq!(response.grpc().code(), Code::Ok);
    }
    gateway.ended().await;
}

#[tokio::test]
async fn a_resumable_stream_ends_with_ok_when_the_drain_begins() {
    let (upstream, gateway) = start(&[("drain-seconds-max", "3600")]).await;
    let mut connections = Connection::both(gateway.address).await;
    let mut responses = Vec::new();
    for connection in &mut connections {
        let request = web(WATCH).header("x-do", "hang-after-one").body(full(frame(b""))).unwrap();
        responses.push(connection.send(request).await.unwrap());
    }
    upstream.until_in_flight(2).await;
    gateway.terminate();
    for response in responses {
        let response = FullResponse::read(response).await;
        assert_eq!(response.messages(), [Bytes::from("one")]);
        assert_eq!(response.grpc().code(), Code::Ok);
    }
    upstream.until_in_flight(0).await;
    gateway.ended().await;
}

#[tokio::test]
async fn a_stream_that_outlasts_the_drain_ends_with_unavailable() {
    let (_upstream, gateway) = start(&[("drain-seconds-max", "1")]).await;
    let mut connections = Connection::both(gateway.address).await;
    let mut responses = Vec::new();
    for connection in &mut connections {
        let request = web(FOLLOW).header("x-do", "hang-after-one").body(full(frame(b""))).unwrap();
        responses.push(connection.send(request).await.unwrap());
    }
    gateway.terminate();
    for response in responses {
        let response = FullResponse::read(response).await;
        assert_eq!(response.outcome(), (Code::Unavailable, "ECHO_SVC_UNAVAILABLE".into()));
    }
    gateway.ended().await;
}

#[tokio::test]
async fn a_keep_alive_connection_is_asked_to_close_before_the_drain() {
    let (_upstream, gateway) = start(&[]).await;
    let mut connection = Connection::http1(gateway.address).await;
    let response = connection.exchange(web(SAY), frame(b"x")).await;
    assert!(!response.headers.contains_key("connection"));
    gateway.terminate();
    let response = connection.exchange(web(SAY), frame(b"x")).await;
    assert_eq!(response.grpc().code(), Code::Ok);
    assert_eq!(response.headers["connection"], "close");
    timeout(Duration::from_secs(5), gateway.ended()).await.expect("the drain waits for no call");
}

#[tokio::test]
async fn the_error_names_the_setting_of_an_address_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listen_address = taken.local_addr().unwrap().to_string();
    let arguments =
        ["gateway", "--listen-address", &listen_address, "--admin-address", "127.0.0.1:0"];
    let arguments = arguments.map(std::ffi::OsString::from);
    let config: gateway::config::Config =
        mesh::config::try_parse(gateway::config::DEFAULTS, arguments).unwrap();
    let error = mesh::server::Listeners::bind(&config.server).await.err().unwrap();
    assert!(error.to_string().starts_with("LISTEN_ADDRESS=127.0.0.1:"), "{error}");
}

#[tokio::test]
async fn a_grpc_client_sees_an_expired_deadline_and_a_service_that_is_down() {
    let (upstream, gateway) = start(&[]).await;
    let mut client = grpc(gateway.address).await;
    let mut connection = Connection::http2(gateway.address).await;
    let request = http::Request::post(SAY)
        .header("content-type", "application/grpc")
        .header("x-do", "hang")
        .header("grpc-timeout", "50m");
    let response = connection.exchange(request, frame(b"")).await;
    assert_eq!(response.headers["content-type"], "application/grpc");
    assert_eq!(response.outcome(), (Code::DeadlineExceeded, String::new()));
    upstream.kill().await;
    let status = unary(&mut client, "Say", Request::new(String::new())).await.unwrap_err();
    assert_eq!(outcome(&status), (Code::Unavailable, "ECHO_SVC_UNAVAILABLE".into()));
}
