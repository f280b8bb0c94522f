//! What clients may keep open at a public listener.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use mesh::{
    cut_off,
    server::{ClientLimits, Peer, Transport, serve},
};
use tests::PATIENCE;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use tonic::{Status, body::Body};
use tower::service_fn;

const HOUR: Duration = Duration::from_secs(3600);
const SOON: Duration = Duration::from_millis(50);

/// A listener with limits for clients. `/flood` responds with an endless body that is cut off soon.
struct Server {
    address: SocketAddr,
    in_flight: watch::Sender<usize>,
}

fn limits() -> ClientLimits {
    ClientLimits {
        connections_max: 100,
        calls_max: 100,
        is_proxy: Arc::new(|_| false),
        first_request_duration_max: HOUR,
        idle_duration_max: HOUR,
    }
}

impl Server {
    async fn start(connections_max: usize, limits: ClientLimits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let internal = Transport::internal(None, connections_max, Duration::from_millis(1));
        let transport = Transport { http1: true, clients: Some(limits), ..internal };
        let in_flight = watch::Sender::new(0);
        let counter = in_flight.clone();
        let service = service_fn(move |request: Request<Body>| {
            let counter = counter.clone();
            async move { Ok::<_, Infallible>(respond(&request, counter)) }
        });
        tokio::spawn(serve(listener, transport, service, CancellationToken::new()));
        Self { address, in_flight }
    }

    async fn until_in_flight(&self, requests: usize) {
        let mut in_flight = self.in_flight.subscribe();
        let waited = timeout(PATIENCE, in_flight.wait_for(|&n| n == requests)).await;
        waited.expect("requests begin and end").unwrap();
    }

    async fn http2(&self, window: u32) -> http2::SendRequest<Empty<Bytes>> {
        let stream = TokioIo::new(TcpStream::connect(self.address).await.unwrap());
        let mut client = http2::Builder::new(TokioExecutor::new());
        let handshake = client.initial_stream_window_size(window).handshake(stream);
        let (sender, connection) = handshake.await.unwrap();
        tokio::spawn(connection);
        sender
    }

    /// Opens a connection from one of the addresses of this machine, and sends one request.
    async fn http1(&self, from: &str) -> hyper::Result<Response<hyper::body::Incoming>> {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(from.parse().unwrap(), 0)).unwrap();
        let stream = TokioIo::new(socket.connect(self.address).await.unwrap());
        let (mut sender, connection) = http1::handshake(stream).await?;
        tokio::spawn(connection);
        sender.send_request(request(Version::HTTP_11, "/wait")).await
    }
}

fn request(version: Version, path: &str) -> Request<Empty<Bytes>> {
    let uri = format!("http://shop.example{path}");
    Request::get(uri).version(version).header("host", "shop.example").body(Empty::new()).unwrap()
}

struct InFlight(watch::Sender<usize>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.send_modify(|n| *n -= 1);
    }
}

fn respond(request: &Request<Body>, counter: watch::Sender<usize>) -> Response<Body> {
    counter.send_modify(|n| *n += 1);
    let guard = InFlight(counter);
    let Ok(permit) = Peer::acquire_call(request.extensions()) else {
        return Response::builder().status(429).body(Body::empty()).unwrap();
    };
    let held = (guard, permit);
    match request.uri().path() {
        "/wait" => Response::new(Body::new(StreamBody::new(futures::StreamExt::map(
            futures::stream::pending::<Result<Frame<Bytes>, Status>>(),
            move |frame| {
                let _until_the_end = &held;
                frame
            },
        )))),
        "/flood" => {
            cut_off::at(Some(Instant::now() + SOON));
            let piece = || Ok::<_, Status>(Frame::data(Bytes::from_static(&[0; 16 << 10])));
            let flood = futures::stream::repeat_with(piece);
            Response::new(Body::new(StreamBody::new(futures::StreamExt::map(
                flood,
                move |piece| {
                    let _until_the_end = &held;
                    piece
                },
            ))))
        }
        _ => Response::new(Body::empty()),
    }
}

async fn until_closed(stream: &mut TcpStream) {
    let read = timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await;
    // Closed with or without a reset.
    let _ = read.expect("the connection closes");
}

#[tokio::test]
async fn a_connection_that_sends_no_request_closes_and_others_are_served() {
    let limits = ClientLimits { first_request_duration_max: SOON, ..limits() };
    let server = Server::start(3, limits).await;
    let mut idle = Vec::new();
    for begin in ["", "P", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(begin.as_bytes()).await.unwrap();
        idle.push(stream);
    }
    for stream in &mut idle[..2] {
        until_closed(stream).await;
    }
    let mut sender = server.http2(1 << 16).await;
    let response = sender.send_request(request(Version::HTTP_2, "/")).await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn an_http2_connection_without_streams_closes_and_a_busy_one_does_not() {
    let limits = ClientLimits { idle_duration_max: SOON, ..limits() };
    let limits = ClientLimits { first_request_duration_max: SOON, ..limits };
    let server = Server::start(100, limits).await;
    let mut busy = server.http2(1 << 16).await;
    let waiting = busy.send_request(request(Version::HTTP_2, "/wait")).await.unwrap();
    let mut idle = server.http2(1 << 16).await;
    idle.send_request(request(Version::HTTP_2, "/")).await.unwrap();
    let closed = async {
        while idle.ready().await.is_ok() {
            tokio::task::yield_now().await
        }
    };
    timeout(PATIENCE, closed).await.expect("the idle connection closes");
    assert!(!busy.is_closed());
    assert_eq!(*server.in_flight.borrow(), 1);
    drop(waiting);
}

#[tokio::test]
async fn an_address_has_a_limit_of_connections_unless_it_is_a_proxy() {
    let proxy: IpAddr = "127.0.0.3".parse().unwrap();
    let is_proxy = Arc::new(move |address| address == proxy);
    let server =
        Server::start(100, ClientLimits { connections_max: 2, is_proxy, ..limits() }).await;
    let _first = server.http1("127.0.0.1").await.unwrap();
    let _second = server.http1("127.0.0.1").await.unwrap();
    assert!(server.http1("127.0.0.1").await.is_err(), "the third is closed at once");
    let _other = server.http1("127.0.0.2").await.expect("another client is served");
    let mut proxied = Vec::new();
    for _ in 0..5 {
        proxied.push(server.http1("127.0.0.3").await.expect("a proxy has many clients"));
    }
}

#[tokio::test]
async fn the_calls_of_an_address_count_on_all_its_connections() {
    let server = Server::start(100, ClientLimits { calls_max: 2, ..limits() }).await;
    let first = server.http1("127.0.0.1").await.unwrap();
    let mut sender = server.http2(1 << 16).await;
    let second = sender.send_request(request(Version::HTTP_2, "/wait")).await.unwrap();
    assert_eq!(
        (first.status(), second.status()),
        (200.try_into().unwrap(), 200.try_into().unwrap())
    );
    assert_eq!(server.http1("127.0.0.1").await.unwrap().status(), 429);
    assert_eq!(server.http1("127.0.0.2").await.unwrap().status(), 200);
    drop(second);
    server.until_in_flight(1).await;
    assert_eq!(server.http1("127.0.0.1").await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_response_that_nobody_reads_is_dropped_at_its_time() {
    let server = Server::start(100, limits()).await;
    // Its window stays closed, and its connection stays open for other streams.
    let mut sender = server.http2(0).await;
    let mut flood = sender.send_request(request(Version::HTTP_2, "/flood")).await.unwrap();
    server.until_in_flight(1).await;
    server.until_in_flight(0).await;
    let ended = timeout(PATIENCE, flood.body_mut().frame()).await.expect("the stream is reset");
    assert!(ended.unwrap().is_err());
    let next = sender.send_request(request(Version::HTTP_2, "/")).await.unwrap();
    assert_eq!(next.status(), 200);

    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /flood HTTP/1.1\r\nhost: shop.example\r\n\r\n").await.unwrap();
    server.until_in_flight(1).await;
    server.until_in_flight(0).await;
    until_closed(&mut stream).await;
}
