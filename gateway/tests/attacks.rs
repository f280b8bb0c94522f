//! Clients that take what they can get, against the program itself: its memory stays bounded, and
//! other clients are served.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod support;

use bytes::Bytes;
use futures::future::join_all;
use http::{HeaderMap, Request};
use http_body_util::Empty;
use support::{
    PATIENCE,
    client::{Connection, FullResponse, frame, from, full, web, writable},
    program::{MIB, Program},
    until,
};
use tests::floods::{End, FLOODS};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tonic::Code;

const SAY: &str = "/shop.echo.v1.Echo/Say";
const READ: &str = "/shop.echo.v1.Echo/Read";
const HEALTH_WATCH: &str = "/grpc.health.v1.Health/Watch";

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_request_bodies_take_little_memory() {
    let gateway = Program::start(&[]).await;
    let before = gateway.memory_peak();
    let connections = join_all((0..10).map(|_| Connection::http2(gateway.address))).await;
    let mut unfinished = Vec::new();
    // Each as large as the contract allows, but for the last byte, and then larger than that.
    for (length, pieces) in [((64 << 10) - 5, 15), (4 * MIB, 64)] {
        for n in 0..100 {
            let (sender, body) = writable();
            let path = if n % 2 == 0 { READ } else { SAY };
            let request = web(path).body(body).unwrap();
            let mut connection = connections[n % 10].shared();
            unfinished.push(tokio::spawn(async move {
                let response = connection.send(request).await;
                response.map(|response| response.headers().get("grpc-status").cloned())
            }));
            let message = frame(&vec![0; length]);
            for piece in message.chunks(message.len().div_ceil(pieces)).take(pieces - 1) {
                // The gateway may have rejected the body.
                let sent = timeout(PATIENCE, sender.send(Bytes::copy_from_slice(piece))).await;
                if sent.expect("the gateway reads or rejects a body").is_err() {
                    break;
                }
            }
            std::mem::forget(sender);
        }
    }
    gateway.serves_another_client().await;
    gateway.assert_grown_little(before, "unfinished bodies");
    let mut rejected = 0;
    for task in unfinished {
        if task.is_finished() && task.await.unwrap().unwrap().unwrap() == "8" {
            rejected += 1;
        }
    }
    assert_eq!(rejected, 100, "the larger ones are rejected at once");
    drop(connections);
}

#[tokio::test]
async fn a_client_that_does_not_read_gives_back_its_calls() {
    let gateway = Program::start(&[("calls-max", "4")]).await;
    let mut client = gateway.without_window().await;
    let mut unread = Vec::new();
    for _ in 0..4 {
        let request = http::Request::post(format!("http://shop.example{SAY}"))
            .header("content-type", "application/grpc")
            .header("grpc-timeout", "100m")
            .header("x-do", "three")
            .body(Empty::new())
            .unwrap();
        unread.push(client.send_request(request).await.unwrap());
    }
    let mut other = Connection::http2_over(from("127.0.0.2", gateway.address).await).await;
    let response = other.exchange(web(SAY), frame(b"")).await;
    assert_eq!(response.outcome(), (Code::ResourceExhausted, "OVERLOADED".into()));
    until(async || other.exchange(web(SAY), frame(b"")).await.outcome().0 == Code::Ok).await;
    gateway.upstream.until_in_flight(0).await;
    assert!(!client.is_closed(), "its other streams go on");
}

/// Makes 12,000 requests and reads one byte of each response. Returns how many were accepted.
async fn read_one_byte_each(
    gateway: &Program,
    request: impl Fn() -> Request<Empty<Bytes>>,
    is_accepted: impl Fn(&HeaderMap) -> bool,
) -> (usize, impl Sized) {
    let (mut accepted, mut kept) = (0, Vec::new());
    for _ in 0..60 {
        let mut client = gateway.with_window(1).await;
        let responses = join_all((0..200).map(|_| {
            let response = client.send_request(request());
            async { timeout(PATIENCE, response).await.expect("a response").unwrap() }
        }));
        let responses = responses.await;
        accepted += responses.iter().filter(|response| is_accepted(response.headers())).count();
        kept.push((client, responses));
    }
    (accepted, kept)
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_of_which_a_client_reads_one_byte_take_little_memory() {
    let gateway = Program::start(&[]).await;
    let before = gateway.memory_peak();
    let request = || {
        http::Request::post(format!("http://shop.example{SAY}"))
            .header("content-type", "application/grpc")
            .header("grpc-timeout", "3S")
            .header("x-do", "large")
            .body(Empty::new())
            .unwrap()
    };
    let is_accepted = |headers: &HeaderMap| !headers.contains_key("grpc-status");
    let (accepted, _unread) = read_one_byte_each(&gateway, request, is_accepted).await;
    assert!((1_000..4_000).contains(&accepted), "{accepted}");
    gateway.serves_another_client().await;
    gateway.assert_grown_little(before, "unread responses");
    // The responses that have not ended are cut off, and with them what waits in their streams.
    let mut another = Connection::http2(gateway.address).await;
    until(async || another.exchange(web(SAY), frame(b"")).await.outcome().0 == Code::Ok).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_which_a_client_reads_one_byte_take_little_memory() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("large.js"), [b' '; 60_000]).unwrap();
    let gateway = Program::start(&[("web-root", root.path().to_str().unwrap())]).await;
    let before = gateway.memory_peak();
    let request = || http::Request::get("http://shop.example/large.js").body(Empty::new()).unwrap();
    let is_accepted = |headers: &HeaderMap| !headers.contains_key("retry-after");
    let (accepted, _unread) = read_one_byte_each(&gateway, request, is_accepted).await;
    assert_eq!(accepted, 1_000, "as many as calls of one address");
    gateway.serves_another_client().await;
    gateway.assert_grown_little(before, "unread pages");
}

#[tokio::test]
async fn one_address_leaves_calls_to_others() {
    let settings = [("calls-max", "10"), ("streams-max", "10"), ("calls-per-address-max", "5")];
    let gateway = Program::start(&settings).await;
    let mut client = gateway.without_window().await;
    let overloaded = Some(http::HeaderValue::from_static("8"));
    let mut unread = Vec::new();
    for n in 0..20 {
        let request = http::Request::post(format!("http://shop.example{SAY}"))
            .header("content-type", "application/grpc")
            .header("x-do", "three")
            .body(Empty::new())
            .unwrap();
        let response = client.send_request(request).await.unwrap();
        let status = response.headers().get("grpc-status").cloned();
        assert_eq!(status, overloaded.clone().filter(|_| n >= 5), "{n}");
        unread.push(response);
    }
    gateway.serves_another_client().await;
}

#[tokio::test]
async fn health_watches_of_one_client_leave_streams_to_others() {
    let settings = [("calls-per-address-max", "200"), ("streams-max", "201")];
    let gateway = Program::start(&settings).await;
    let watch = async |connection: &mut Connection| {
        let request = web(HEALTH_WATCH).body(full(frame(b""))).unwrap();
        connection.send(request).await.unwrap()
    };
    let mut connections =
        [Connection::http2(gateway.address).await, Connection::http2(gateway.address).await];
    let mut watches = Vec::new();
    for n in 0..201 {
        watches.push(watch(&mut connections[n / 150]).await);
    }
    let last = FullResponse::read(watches.pop().unwrap()).await;
    assert_eq!(last.outcome(), (Code::ResourceExhausted, "OVERLOADED".into()));
    let mut other = Connection::http2_over(from("127.0.0.2", gateway.address).await).await;
    let watched = watch(&mut other).await;
    assert!(!watched.headers().contains_key("grpc-status"), "it goes on");
    gateway.serves_another_client().await;
}

#[tokio::test]
async fn connections_of_one_byte_leave_connections_to_others() {
    let gateway = Program::start(&[("connections-max", "3")]).await;
    let mut one_byte = Vec::new();
    // The connection of the first call may still be open.
    until(async || {
        one_byte.clear();
        for _ in 0..3 {
            let mut stream = TcpStream::connect(gateway.address).await.unwrap();
            stream.write_all(b"P").await.unwrap();
            one_byte.push(stream);
        }
        let read = async |stream: &mut TcpStream| stream.read(&mut [0]).await;
        let closed = one_byte
            .iter_mut()
            .map(|stream| timeout(std::time::Duration::from_millis(200), read(stream)));
        join_all(closed).await.iter().all(Result::is_err)
    })
    .await;
    for stream in &mut one_byte {
        let closed = timeout(PATIENCE, stream.read(&mut [0])).await;
        assert!(matches!(closed.expect("it closes"), Ok(0) | Err(_)));
    }
    gateway.serves_another_client().await;
}

#[tokio::test]
async fn headers_of_a_mebibyte_are_rejected() {
    let gateway = Program::start(&[]).await;
    let before = gateway.memory_peak();
    for _ in 0..20 {
        for mut connection in Connection::both(gateway.address).await {
            let request = web(SAY).header("x-large", "x".repeat(MIB));
            let request = request.body(full(frame(b""))).unwrap();
            // A client may fail to send it.
            if let Ok(response) = connection.send(request).await {
                assert_eq!(response.status(), 431);
            }
        }
    }
    assert!(gateway.upstream.last().get("x-large").is_none());
    gateway.serves_another_client().await;
    gateway.assert_grown_little(before, "large headers");
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_of_frames_take_little_memory_and_others_are_served() {
    for flood in FLOODS {
        let gateway = Program::start(&[]).await;
        let before = gateway.memory_peak();
        let floods = (0..4).map(|_| async {
            flood.send(SAY, TcpStream::connect(gateway.address).await.unwrap()).await
        });
        let floods = join_all(floods).await;
        gateway.serves_another_client().await;
        gateway.assert_grown_little(before, flood.name);
        let is_closed = floods.iter().all(|(end, _)| *end == End::Closed);
        let ends: Vec<_> = floods.iter().map(|(end, _)| *end).collect();
        assert!(is_closed || !flood.is_fatal, "{}: {ends:?}", flood.name);
    }
}
