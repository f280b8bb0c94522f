//! Channels over addresses that come, go, fail and hang.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::convert::Infallible;

use http::HeaderValue;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::service_fn;

use super::*;
use crate::server::{Transport, serve};

/// A service at one address, that counts its calls and answers each with `code`.
struct Server {
    address: SocketAddr,
    calls: Arc<AtomicUsize>,
    /// One permit lets one call of `/held` end.
    held: Arc<tokio::sync::Semaphore>,
    stop: CancellationToken,
}

impl Server {
    async fn start(code: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
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
                let mut response = Response::new(Body::empty());
                response.headers_mut().insert("grpc-status", HeaderValue::from_static(code));
                Ok::<_, Infallible>(response)
            }
        });
        let drain_duration_max = Duration::from_millis(1);
        let transport = Transport { tls: None, http1: false, drain_duration_max };
        tokio::spawn(serve(listener, transport, service, stop.clone()));
        Self { address, calls, held, stop }
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

/// A channel to these addresses, all of which are connected that can be.
async fn channel(addresses: &[SocketAddr], connected: usize) -> Channel {
    let channel = Channel::unresolved(Target {
        url: Uri::from_static("http://service"),
        unavailable_reason: "SERVICE_UNAVAILABLE",
        tls: None,
        methods: Arc::default(),
    })
    .unwrap();
    channel.0.reconcile(addresses);
    let ready = || {
        let endpoints = channel.0.endpoints.load();
        endpoints.iter().filter(|endpoint| endpoint.sender.load().is_some()).count()
    };
    until(|| ready() == connected).await;
    channel
}

async fn until(condition: impl Fn() -> bool) {
    let waited = timeout(Duration::from_secs(20), async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    });
    waited.await.expect("it comes true");
}

async fn call(channel: &Channel, path: &'static str) -> Result<Response<Body>, Error> {
    channel.send(Request::post(path).body(Body::empty()).unwrap(), false).await
}

#[tokio::test]
async fn calls_are_spread_over_all_addresses() {
    let (one, two) = (Server::start("0").await, Server::start("0").await);
    let channel = channel(&[one.address, two.address], 2).await;
    for _ in 0..10 {
        call(&channel, "/").await.unwrap();
    }
    assert_eq!((one.calls(), two.calls()), (5, 5));
}

#[tokio::test]
async fn the_less_busy_address_gets_the_call() {
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
async fn a_dead_address_gets_no_call_and_harms_none() {
    let (live, dead) = (Server::start("0").await, Server::start("0").await);
    let channel = channel(&[live.address, dead.address], 2).await;
    dead.stop.cancel();
    until(|| {
        let endpoints = channel.0.endpoints.load();
        let dead = endpoints.iter().find(|endpoint| endpoint.address == dead.address).unwrap();
        dead.sender.load().is_none()
    })
    .await;
    let before = dead.calls();
    for _ in 0..10 {
        call(&channel, "/").await.unwrap();
    }
    assert_eq!((live.calls(), dead.calls()), (10, before));
}

#[tokio::test]
async fn an_address_that_only_fails_is_left_for_a_while() {
    let (good, bad) = (Server::start("0").await, Server::start("14").await);
    let channel = channel(&[good.address, bad.address], 2).await;
    for _ in 0..40 {
        call(&channel, "/").await.unwrap();
    }
    assert_eq!((good.calls(), bad.calls()), (40 - EJECTION_FAILURES, EJECTION_FAILURES));
}

#[tokio::test]
async fn an_address_that_is_gone_ends_its_calls_well() {
    let (gone, kept) = (Server::start("0").await, Server::start("0").await);
    let channel = channel(&[gone.address], 1).await;
    let under_way = {
        let channel = channel.clone();
        tokio::spawn(async move { call(&channel, "/held").await })
    };
    until(|| gone.calls() == 1).await;
    channel.0.reconcile(&[kept.address]);
    call(&channel, "/").await.unwrap();
    assert_eq!((gone.calls(), kept.calls()), (1, 1));
    gone.held.add_permits(1);
    under_way.await.unwrap().unwrap();
}

#[tokio::test]
async fn no_address_at_all_is_unavailable() {
    let channel = channel(&[], 0).await;
    let error = call(&channel, "/").await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { reason: "SERVICE_UNAVAILABLE", .. }), "{error}");
}

#[tokio::test]
async fn an_idempotent_call_is_tried_elsewhere_and_another_is_not() {
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
