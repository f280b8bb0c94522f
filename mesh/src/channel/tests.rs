//! Channels to addresses that appear, disappear, fail and hang.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
};

use futures::future::join_all;
use http::HeaderValue;
use http_body_util::StreamBody;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::service_fn;

use super::{endpoint::EJECTION_FAILURES, *};
use crate::server::{Transport, serve};

/// A service at one address, which counts its calls and responds to each with the same code.
struct Server {
    address: SocketAddr,
    calls: Arc<AtomicUsize>,
    /// One permit lets one call of `/held` complete.
    held: Arc<tokio::sync::Semaphore>,
    stop: CancellationToken,
}

impl Server {
    async fn start(code: &'static str) -> Self {
        Self::start_on(TcpListener::bind("127.0.0.1:0").await.unwrap(), code)
    }

    fn start_on(listener: TcpListener, code: &'static str) -> Self {
        let address = listener.local_addr().unwrap();
        let (calls, stop) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
        let held = Arc::new(tokio::sync::Semaphore::new(0));
        let (counter, gate) = (calls.clone(), held.clone());
        let service = service_fn(move |request: Request<Body>| {
            counter.fetch_add(1, Ordering::Relaxed);
            let gate = gate.clone();
            async move {
                if request.uri().path() == "/held" {
                    gate.acquire().await.unwrap().forget();
                }
                let mut response = match request.uri().path() {
                    "/stream" => Response::new(Body::new(StreamBody::new(endless()))),
                    _ => Response::new(Body::empty()),
                };
                response.headers_mut().insert("grpc-status", HeaderValue::from_static(code));
                Ok::<_, Infallible>(response)
            }
        });
        let drain_duration_max = Duration::from_millis(1);
        let transport = Transport::internal(None, 100, drain_duration_max);
        tokio::spawn(serve(listener, transport, service, stop.clone()));
        Self { address, calls, held, stop }
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

/// A body that never ends.
fn endless() -> impl futures::Stream<Item = Result<http_body::Frame<Bytes>, Status>> {
    futures::stream::pending()
}

/// Returns a channel to these addresses, of which `connected` are connected.
async fn channel(addresses: &[SocketAddr], connected: usize) -> Channel {
    let channel = Channel::unresolved(Target {
        url: Uri::from_static("http://service"),
        unavailable_reason: "SERVICE_UNAVAILABLE",
        tls: None,
        methods: Arc::default(),
    })
    .unwrap();
    channel.0.pool.reconcile(addresses);
    until(|| addresses.iter().filter(|at| connections(&channel, **at) > 0).count() == connected)
        .await;
    channel
}

/// Returns the number of connections to an address.
fn connections(channel: &Channel, address: SocketAddr) -> usize {
    let endpoints = channel.0.pool.endpoints.load();
    let endpoint = endpoints.iter().find(|endpoint| endpoint.address == address);
    endpoint.map_or(0, |endpoint| endpoint.connections.load().len())
}

async fn until(condition: impl Fn() -> bool) {
    let waited = timeout(Duration::from_secs(20), async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    });
    waited.await.expect("the condition becomes true");
}

async fn call(channel: &Channel, path: &'static str) -> Result<Response<Body>, Error> {
    channel.send(Request::post(path).body(Body::empty()).unwrap(), false).await
}

#[tokio::test]
async fn calls_are_balanced_over_all_addresses() {
    let (one, two) = (Server::start("0").await, Server::start("0").await);
    let channel = channel(&[one.address, two.address], 2).await;
    for _ in 0..10 {
        call(&channel, "/").await.unwrap();
    }
    assert_eq!((one.calls(), two.calls()), (5, 5));
}

#[tokio::test]
async fn the_least_loaded_address_gets_the_call() {
    let (one, two) = (Server::start("0").await, Server::start("0").await);
    let channel = channel(&[one.address, two.address], 2).await;
    let busy = {
        let channel = channel.clone();
        tokio::spawn(async move { call(&channel, "/held").await })
    };
    until(|| one.calls() + two.calls() == 1).await;
    let (hung, free) = if one.calls() == 1 { (&one, &two) } else { (&two, &one) };
    for _ in 0..10 {
        call(&channel, "/").await.unwrap();
    }
    assert_eq!((hung.calls(), free.calls()), (1, 10));
    hung.held.add_permits(1);
    busy.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_dead_address_gets_no_call_and_fails_none() {
    let (live, dead) = (Server::start("0").await, Server::start("0").await);
    let channel = channel(&[live.address, dead.address], 2).await;
    dead.stop.cancel();
    until(|| connections(&channel, dead.address) == 0).await;
    let before = dead.calls();
    for _ in 0..10 {
        call(&channel, "/").await.unwrap();
    }
    assert_eq!((live.calls(), dead.calls()), (10, before));
}

#[tokio::test]
async fn an_address_that_only_fails_is_ejected() {
    let (good, bad) = (Server::start("0").await, Server::start("14").await);
    let channel = channel(&[good.address, bad.address], 2).await;
    for _ in 0..40 {
        call(&channel, "/").await.unwrap();
    }
    assert_eq!((good.calls(), bad.calls()), (40 - EJECTION_FAILURES, EJECTION_FAILURES));
}

#[tokio::test]
async fn calls_in_flight_to_a_removed_address_complete() {
    let (removed, kept) = (Server::start("0").await, Server::start("0").await);
    let channel = channel(&[removed.address], 1).await;
    let in_flight = {
        let channel = channel.clone();
        tokio::spawn(async move { call(&channel, "/held").await })
    };
    until(|| removed.calls() == 1).await;
    channel.0.pool.reconcile(&[kept.address]);
    call(&channel, "/").await.unwrap();
    assert_eq!((removed.calls(), kept.calls()), (1, 1));
    removed.held.add_permits(1);
    in_flight.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_service_without_addresses_is_unavailable() {
    let channel = channel(&[], 0).await;
    let error = call(&channel, "/").await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { reason: "SERVICE_UNAVAILABLE", .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_streams_open_further_connections_which_close_after_them() {
    let server = Server::start("0").await;
    let channel = channel(&[server.address], 1).await;
    let streams = join_all((0..500).map(|_| call(&channel, "/stream"))).await;
    let streams: Vec<_> = streams.into_iter().map(Result::unwrap).collect();
    let response = timeout(Duration::from_secs(20), call(&channel, "/")).await;
    response.expect("streams do not block a call").unwrap();
    let open = connections(&channel, server.address);
    assert!((3..=8).contains(&open), "{open}");
    drop(streams);
    until(|| connections(&channel, server.address) == 1).await;
    call(&channel, "/").await.unwrap();
}

#[tokio::test]
async fn no_call_waits_for_a_service_that_is_down() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let channel = channel(&[nobody], 0).await;
    let calls = async {
        for _ in 0..100 {
            let error = call(&channel, "/").await.unwrap_err();
            assert!(matches!(error, Error::Unavailable { .. }), "{error}");
        }
    };
    timeout(Duration::from_secs(20), calls).await.expect("no call waits");
}

#[tokio::test]
async fn a_call_waits_for_a_service_that_restarts() {
    let server = Server::start("0").await;
    let channel = channel(&[server.address], 1).await;
    server.stop.cancel();
    until(|| connections(&channel, server.address) == 0).await;
    let waiting = {
        let channel = channel.clone();
        tokio::spawn(async move { call(&channel, "/").await })
    };
    let listener = loop {
        match TcpListener::bind(server.address).await {
            Ok(listener) => break listener,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let restarted = Server::start_on(listener, "0");
    waiting.await.unwrap().unwrap();
    assert_eq!(restarted.calls(), 1);
}

#[tokio::test]
async fn an_idempotent_call_is_retried_at_another_address_and_others_are_not() {
    let (good, bad) = (Server::start("0").await, Server::start("14").await);
    let channel = channel(&[good.address, bad.address], 2).await;
    let mut codes = Vec::new();
    for idempotent in [true, true, false, false] {
        let request = Request::post("/").body(Body::empty()).unwrap();
        let response = channel.send(request, idempotent).await.unwrap();
        codes.push(response.headers()["grpc-status"].to_str().unwrap().to_owned());
    }
    assert_eq!(codes[..2], ["0", "0"]);
    assert!(codes[2..].contains(&"14".to_owned()), "{codes:?}");
}
