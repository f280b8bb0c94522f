//! A service behind the gateway. It echoes the bytes of a request, unless the header `x-do` names
//! another behaviour.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, request::Parts};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use mesh::server::{Transport, serve};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tonic::{Status, body::Body};
use tower::service_fn;

/// A running service.
pub struct Upstream {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Parts>>>,
    in_flight: watch::Sender<usize>,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Upstream {
    /// Starts on a free port.
    pub async fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap()).await
    }

    /// Starts at this address.
    pub async fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let in_flight = watch::Sender::new(0);
        let stop = CancellationToken::new();
        let transport = Transport::internal(None, 10_000, Duration::from_millis(1));
        let (heads, counter) = (seen.clone(), in_flight.clone());
        let service = service_fn(move |request: Request<Body>| {
            let (heads, counter) = (heads.clone(), counter.clone());
            async move {
                let (head, body) = request.into_parts();
                let behaviour = header(&head.headers, "x-do");
                heads.lock().unwrap().push(head);
                let guard = InFlight::new(counter);
                Ok::<_, Infallible>(respond(&behaviour, body, guard).await)
            }
        });
        let running = tokio::spawn(serve(listener, transport, service, stop.clone()));
        Self { address, seen, in_flight, stop, running }
    }

    /// Returns the heads of all requests so far.
    pub fn seen(&self) -> Vec<Parts> {
        self.seen.lock().unwrap().clone()
    }

    /// Returns the headers of the last request.
    pub fn last(&self) -> HeaderMap {
        self.seen().last().expect("a request has arrived").headers.clone()
    }

    /// Waits until exactly `calls` calls are in flight.
    pub async fn until_in_flight(&self, calls: usize) {
        let mut in_flight = self.in_flight.subscribe();
        let waited = in_flight.wait_for(|&n| n == calls);
        tokio::time::timeout(super::PATIENCE, waited).await.expect("calls begin and end").unwrap();
    }

    /// Interrupts all calls and releases the port.
    pub async fn kill(self) -> SocketAddr {
        self.stop.cancel();
        self.running.await.unwrap();
        self.address
    }
}

pub fn header(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
}

/// Counts a call until it ends or is cancelled.
struct InFlight(watch::Sender<usize>);

impl InFlight {
    fn new(counter: watch::Sender<usize>) -> Self {
        counter.send_modify(|n| *n += 1);
        Self(counter)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.send_modify(|n| *n -= 1);
    }
}

type Frames = futures::stream::BoxStream<'static, Result<Frame<Bytes>, Status>>;

async fn respond(behaviour: &str, body: Body, guard: InFlight) -> Response<Body> {
    let ok = Frame::trailers(HeaderMap::from_iter([(
        http::HeaderName::from_static("grpc-status"),
        HeaderValue::from_static("0"),
    )]));
    let message = Frame::data(super::client::frame(b"one"));
    let frames: Frames = match behaviour {
        "echo-whole" => {
            let whole = body.collect().await.map_or_else(|_| Bytes::new(), |b| b.to_bytes());
            Box::pin(futures::stream::iter([Ok(Frame::data(whole)), Ok(ok)]))
        }
        "reject" => return Status::failed_precondition("no").into_http(),
        "unavailable" => return Status::unavailable("no").into_http(),
        "not-grpc" => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = http::StatusCode::BAD_GATEWAY;
            return response;
        }
        "hang" => std::future::pending().await,
        "hang-after-one" => {
            let hang = futures::stream::pending();
            Box::pin(futures::StreamExt::chain(futures::stream::iter([Ok(message)]), hang))
        }
        "large" => {
            let large = Frame::data(super::client::frame(&[7; (16 << 10) - 5]));
            Box::pin(futures::stream::iter([Ok(large), Ok(ok)]))
        }
        "three" => {
            let three = ["one", "two", "three"]
                .map(|text| Ok(Frame::data(super::client::frame(text.as_bytes()))));
            Box::pin(futures::stream::iter(three.into_iter().chain([Ok(ok)])))
        }
        _ => {
            let echo = futures::StreamExt::map(http_body_util::BodyStream::new(body), |frame| {
                frame.map_err(|_| Status::cancelled("the request broke off"))
            });
            Box::pin(futures::StreamExt::chain(echo, futures::stream::iter([Ok(ok)])))
        }
    };
    let frames = futures::StreamExt::map(frames, move |frame| {
        let _until_the_end = &guard;
        frame
    });
    let mut response = Response::new(Body::new(StreamBody::new(frames)));
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/grpc"));
    headers.insert("set-cookie", HeaderValue::from_static("refresh_token=x"));
    headers.insert("x-upstream", HeaderValue::from_static("echo"));
    response
}
