//! What does not go well: early answers, limits, deadlines, services that go and come
//! back, and the gateway's own end.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod support;

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use futures::{StreamExt, future::join_all, stream};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use support::{
    Gateway,
    client::{Answer, AnyBody, Connection, frame, full, grpc, outcome, path, unary, web},
    until,
    upstream::{Upstream, header},
};
use tokio::{net::TcpListener, sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request};

const SAY: &str = "/shop.echo.v1.Echo/Say";
const READ: &str = "/shop.echo.v1.Echo/Read";
const FOLLOW: &str = "/shop.echo.v1.Echo/Follow";
const WATCH: &str = "/shop.echo.v1.Echo/Watch";
const MIB: usize = 1 << 20;

async fn start(settings: &[(&str, &str)]) -> (Upstream, Gateway) {
    let upstream = Upstream::start().await;
    let gateway = Gateway::before(upstream.address, settings).await;
    (upstream, gateway)
}

/// A body of `bytes` in pieces, each sent only when the one before was taken.
fn in_pieces(body: Bytes) -> AnyBody {
    let pieces: Vec<_> = body.chunks(64 << 10).map(Bytes::copy_from_slice).collect();
    let pieces = stream::iter(pieces).map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
    StreamBody::new(pieces).map_err(|never| match never {}).boxed_unsync()
}

/// A body that is written by hand.
fn by_hand() -> (mpsc::Sender<Bytes>, AnyBody) {
    let (sender, receiver) = mpsc::channel::<Bytes>(1);
    let pieces = ReceiverStream::new(receiver).map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
    (sender, StreamBody::new(pieces).map_err(|never| match never {}).boxed_unsync())
}

async fn still_usable(connection: &mut Connection) {
    let answer = connection.exchange(web(SAY), frame(b"again")).await;
    assert_eq!(answer.messages(), [Bytes::from("again")], "on the same connection");
}

#[tokio::test]
async fn an_early_error_leaves_the_connection_usable() {
    let (_upstream, gateway) = start(&[("jwks-url", "http://localhost:1/keys")]).await;
    for mut connection in Connection::both(gateway.address).await {
        for (target, code) in [
            ("/shop.echo.v1.Echo/Nothing", Code::Unimplemented),
            ("/shop.echo.v1.Echo/Tell", Code::Unauthenticated),
        ] {
            let request = web(target).body(in_pieces(frame(&vec![0; 3 * MIB]))).unwrap();
            let answer = Answer::read(connection.send(request).await.unwrap()).await;
            assert_eq!(answer.outcome().0, code);
            still_usable(&mut connection).await;
        }
        let request = http::Request::post(SAY)
            .header("host", "shop.example")
            .header("content-type", "application/json")
            .body(in_pieces(Bytes::from(vec![b' '; 3 * MIB])))
            .unwrap();
        let answer = Answer::read(connection.send(request).await.unwrap()).await;
        assert_eq!(answer.status, 415);
        still_usable(&mut connection).await;
    }
}

#[tokio::test]
async fn an_early_answer_of_the_service_leaves_the_connection_usable() {
    let (_upstream, gateway) = start(&[]).await;
    for mut connection in Connection::both(gateway.address).await {
        let request = web(SAY).header("x-do", "refuse");
        let request = request.body(in_pieces(frame(&vec![0; 3 * MIB]))).unwrap();
        let answer = Answer::read(connection.send(request).await.unwrap()).await;
        assert_eq!(answer.outcome().0, Code::FailedPrecondition);
        still_usable(&mut connection).await;
    }
}

#[tokio::test]
async fn an_answer_comes_before_the_request_has_ended() {
    let (_upstream, gateway) = start(&[]).await;
    for mut connection in Connection::both(gateway.address).await {
        let (pieces, body) = by_hand();
        let response = connection.send(web("/no.such/Method").body(body).unwrap()).await.unwrap();
        assert_eq!(header(response.headers(), "grpc-status"), "12");
        // Over HTTP/2 nobody may want the rest any more.
        let _ = pieces.send(frame(b"late")).await;
        drop(pieces);
        Answer::read(response).await;
        still_usable(&mut connection).await;
    }
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_and_the_connection_stays_usable() {
    let (upstream, gateway) = start(&[]).await;
    let too_large = (Code::ResourceExhausted, "MESSAGE_TOO_LARGE".to_owned());
    for mut connection in Connection::both(gateway.address).await {
        for target in [SAY, READ, FOLLOW] {
            let request = web(target).body(in_pieces(frame(&vec![0; 4 * MIB + 1]))).unwrap();
            let answer = Answer::read(connection.send(request).await.unwrap()).await;
            assert_eq!(answer.outcome(), too_large, "{target}");
            still_usable(&mut connection).await;

            let largest = frame(&vec![7; 4 * MIB]);
            let answer = connection.exchange(web(target), largest).await;
            assert_eq!(answer.outcome().0, Code::Ok, "{target}");
            assert_eq!(answer.messages()[0].len(), 4 * MIB);
        }
    }
    upstream.until_under_way(0).await;
}

#[tokio::test]
async fn a_stream_of_messages_may_be_longer_than_the_limit_of_one() {
    let (_upstream, gateway) = start(&[("request-bytes-max", "65536")]).await;
    let mut client = grpc(gateway.address).await;
    let chat = async |client: &mut tonic::client::Grpc<_>, sizes: &[usize]| {
        client.ready().await.unwrap();
        let words: Vec<_> = sizes.iter().map(|&size| "x".repeat(size)).collect();
        let words = Request::new(stream::iter(words));
        let codec = tonic_prost::ProstCodec::<String, String>::default();
        let mut answers = client.streaming(words, path("Chat"), codec).await?.into_inner();
        let mut count = 0;
        while answers.message().await?.is_some() {
            count += 1;
        }
        Ok::<_, tonic::Status>(count)
    };
    assert_eq!(chat(&mut client, &[60_000; 10]).await.unwrap(), 10);
    let refused = chat(&mut client, &[60_000, 70_000]).await.unwrap_err();
    assert_eq!(outcome(&refused), (Code::ResourceExhausted, "MESSAGE_TOO_LARGE".into()));
}

#[tokio::test]
async fn the_callers_deadline_holds_and_is_handed_on_shrunk() {
    let (upstream, gateway) = start(&[]).await;
    let exceeded = (Code::DeadlineExceeded, "DEADLINE_EXCEEDED".to_owned());
    for mut connection in Connection::both(gateway.address).await {
        for (target, what) in [
            (SAY, "hang"),
            (READ, "hang"),
            (FOLLOW, "hang"),
            (SAY, "hang-after-one"),
            (FOLLOW, "hang-after-one"),
        ] {
            let request = web(target).header("x-do", what).header("grpc-timeout", "50m");
            let answer = connection.exchange(request, frame(b"")).await;
            assert_eq!(answer.outcome(), exceeded, "{target} {what}");
            let told = header(&upstream.last(), "grpc-timeout");
            let told: u64 = told.strip_suffix('m').unwrap().parse().unwrap();
            assert!(told <= 50, "{told}");
        }
    }
    upstream.until_under_way(0).await;
}

#[tokio::test]
async fn the_gateways_own_limit_bounds_calls_and_a_larger_one_streams() {
    let (upstream, gateway) =
        start(&[("call-seconds-max", "1"), ("stream-seconds-max", "900")]).await;
    let mut connection = Connection::http1(gateway.address).await;
    let request = web(SAY).header("x-do", "hang").header("grpc-timeout", "1H");
    let answer = connection.exchange(request, frame(b"")).await;
    assert_eq!(answer.outcome().0, Code::DeadlineExceeded);

    connection.exchange(web(FOLLOW), frame(b"")).await;
    assert!(!upstream.last().contains_key("grpc-timeout"), "it is not told");
    connection.exchange(web(FOLLOW).header("grpc-timeout", "1H"), frame(b"")).await;
    let told = header(&upstream.last(), "grpc-timeout");
    let told: u64 = told.strip_suffix('m').unwrap().parse().unwrap();
    assert!((890_000..=900_000).contains(&told), "{told}");
}

#[tokio::test]
async fn a_request_that_never_ends_is_bounded_by_the_deadline() {
    let (upstream, gateway) = start(&[]).await;
    for mut connection in Connection::both(gateway.address).await {
        for target in [SAY, READ] {
            let (pieces, body) = by_hand();
            pieces.send(Bytes::from_static(b"\0\0\0")).await.unwrap();
            let request = web(target).header("x-do", "echo-whole").header("grpc-timeout", "100m");
            let request = request.body(body).unwrap();
            let response = connection.send(request).await.unwrap();
            drop(pieces);
            let answer = Answer::read(response).await;
            assert_eq!(answer.outcome().0, Code::DeadlineExceeded, "{target}");
        }
    }
    upstream.until_under_way(0).await;
}

#[tokio::test]
async fn a_client_that_goes_away_takes_its_call_with_it() {
    let (upstream, gateway) = start(&[]).await;
    for what in ["hang", "hang-after-one"] {
        for mut connection in Connection::both(gateway.address).await {
            let request = web(FOLLOW).header("x-do", what).body(full(frame(b""))).unwrap();
            tokio::select! {
                _ = async {
                    let response = connection.send(request).await;
                    std::future::pending::<()>().await;
                    drop(response);
                } => {}
                () = upstream.until_under_way(1) => {}
            }
            drop(connection);
            upstream.until_under_way(0).await;
        }
    }
}

#[tokio::test]
async fn more_calls_than_may_be_under_way_are_told_of_the_overload() {
    let (upstream, gateway) = start(&[("calls-max", "1"), ("streams-max", "1")]).await;
    for (taken, free) in [(FOLLOW, SAY), (SAY, FOLLOW)] {
        let mut busy = Connection::http2(gateway.address).await;
        let what = if taken == FOLLOW { "hang-after-one" } else { "hang" };
        let request = web(taken).header("x-do", what).body(full(frame(b""))).unwrap();
        let held = tokio::spawn(async move { busy.send(request).await });
        upstream.until_under_way(1).await;
        let mut other = Connection::http1(gateway.address).await;
        let answer = other.exchange(web(taken), frame(b"")).await;
        assert_eq!(answer.outcome(), (Code::ResourceExhausted, "OVERLOADED".into()));
        let answer = other.exchange(web(free), frame(b"")).await;
        assert_eq!(answer.outcome().0, Code::Ok, "streams and other calls are counted apart");
        held.abort();
        drop(held);
        upstream.until_under_way(0).await;
        until(async || other.exchange(web(taken), frame(b"")).await.outcome().0 == Code::Ok).await;
    }
}

#[tokio::test]
async fn a_service_that_is_down_is_unavailable_and_then_back() {
    let (upstream, gateway) = start(&[]).await;
    let address = upstream.kill().await;
    for mut connection in Connection::both(gateway.address).await {
        for target in [SAY, READ] {
            let answer = connection.exchange(web(target), frame(b"")).await;
            assert_eq!(answer.outcome(), (Code::Unavailable, "ECHO_SVC_UNAVAILABLE".into()));
        }
    }
    let _upstream = Upstream::start_at(address).await;
    let mut connection = Connection::http1(gateway.address).await;
    let answer = connection.exchange(web(SAY), frame(b"")).await;
    assert_eq!(answer.outcome().0, Code::Ok, "the call waits for the connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_idempotent_call_fails_while_the_service_is_restarted() {
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
                    let answer = connection.exchange(web(READ), frame(b"x")).await;
                    assert_eq!(answer.grpc().code(), Code::Ok, "{:?}", answer.grpc());
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
    assert_eq!(upstream.seen().len(), 1 + 3, "an idempotent one is");
}

#[tokio::test]
async fn calls_under_way_end_well_when_the_gateway_is_terminated() {
    let (upstream, gateway) = start(&[]).await;
    let mut connections = Connection::both(gateway.address).await;
    let mut bodies = Vec::new();
    let mut responses = Vec::new();
    for connection in &mut connections {
        let (pieces, body) = by_hand();
        pieces.send(frame(b"before")).await.unwrap();
        let response = connection.send(web(FOLLOW).body(body).unwrap()).await.unwrap();
        bodies.push(pieces);
        responses.push(response);
    }
    upstream.until_under_way(2).await;
    gateway.terminate();
    // No new connection is taken: from here the calls drain.
    until(async || tokio::net::TcpStream::connect(gateway.address).await.is_err()).await;
    for pieces in bodies {
        pieces.send(frame(b"after")).await.unwrap();
    }
    for response in responses {
        let answer = Answer::read(response).await;
        assert_eq!(answer.messages(), ["before", "after"].map(Bytes::from));
        assert_eq!(answer.grpc().code(), Code::Ok);
    }
    gateway.ended().await;
}

#[tokio::test]
async fn a_stream_that_can_be_resumed_ends_well_when_the_drain_begins() {
    let (upstream, gateway) = start(&[("drain-seconds-max", "3600")]).await;
    let mut connections = Connection::both(gateway.address).await;
    let mut responses = Vec::new();
    for connection in &mut connections {
        let request = web(WATCH).header("x-do", "hang-after-one").body(full(frame(b""))).unwrap();
        responses.push(connection.send(request).await.unwrap());
    }
    upstream.until_under_way(2).await;
    gateway.terminate();
    for response in responses {
        let answer = Answer::read(response).await;
        assert_eq!(answer.messages(), [Bytes::from("one")]);
        assert_eq!(answer.grpc().code(), Code::Ok);
    }
    upstream.until_under_way(0).await;
    gateway.ended().await;
}

#[tokio::test]
async fn a_stream_that_outlasts_the_drain_ends_in_a_status() {
    let (_upstream, gateway) = start(&[("drain-seconds-max", "1")]).await;
    let mut connections = Connection::both(gateway.address).await;
    let mut responses = Vec::new();
    for connection in &mut connections {
        let request = web(FOLLOW).header("x-do", "hang-after-one").body(full(frame(b""))).unwrap();
        responses.push(connection.send(request).await.unwrap());
    }
    gateway.terminate();
    for response in responses {
        let answer = Answer::read(response).await;
        assert_eq!(answer.outcome(), (Code::Unavailable, "ECHO_SVC_UNAVAILABLE".into()));
    }
    gateway.ended().await;
}

#[tokio::test]
async fn an_idle_keep_alive_connection_is_asked_to_leave_before_the_end() {
    let (_upstream, gateway) = start(&[]).await;
    let mut connection = Connection::http1(gateway.address).await;
    let answer = connection.exchange(web(SAY), frame(b"x")).await;
    assert!(!answer.headers.contains_key("connection"));
    gateway.terminate();
    let answer = connection.exchange(web(SAY), frame(b"x")).await;
    assert_eq!(answer.grpc().code(), Code::Ok);
    assert_eq!(answer.headers["connection"], "close");
    timeout(Duration::from_secs(5), gateway.ended()).await.expect("nobody is waited for");
}

#[tokio::test]
async fn an_address_in_use_is_told_by_its_setting() {
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
async fn a_grpc_client_sees_the_deadline_and_the_service_that_is_down() {
    let (upstream, gateway) = start(&[]).await;
    let mut client = grpc(gateway.address).await;
    let mut connection = Connection::http2(gateway.address).await;
    let request = http::Request::post(SAY)
        .header("content-type", "application/grpc")
        .header("x-do", "hang")
        .header("grpc-timeout", "50m");
    let answer = connection.exchange(request, frame(b"")).await;
    assert_eq!(answer.headers["content-type"], "application/grpc");
    assert_eq!(answer.outcome(), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED".into()));
    upstream.kill().await;
    let refused = unary(&mut client, "Say", Request::new(String::new())).await.unwrap_err();
    assert_eq!(outcome(&refused), (Code::Unavailable, "ECHO_SVC_UNAVAILABLE".into()));
}
