//! A service behind its call policy.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, request::Builder};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use mesh::{
    audit,
    call::ConcurrencyLimits,
    client::ClientStreams,
    config::{ServerConfig, TokenConfig},
    deadline,
    identity::Claims,
    rpc::{CallPolicy, Rpc},
    server::Peer,
    token::Verifier,
};
use tests::{
    PATIENCE, eventually,
    issuer::{SigningKey, jwks},
};
use tokio::{sync::Semaphore, time::timeout};
use tonic::{Code, Status, body::Body};
use tower::{ServiceExt, util::BoxCloneSyncService};

pub const READ: &str = "/notes.v1.Notes/Read";
pub const WRITE: &str = "/notes.v1.Notes/Write";
pub const EDIT: &str = "/notes.v1.Notes/Edit";
pub const PURGE: &str = "/notes.v1.Notes/Purge";
pub const INDEX: &str = "/notes.v1.Notes/Index";
pub const IMPORT: &str = "/notes.v1.Notes/Import";
pub const BACKUP: &str = "/notes.v1.Notes/Backup";
pub const UPLOAD: &str = "/notes.v1.Notes/Upload";
pub const WATCH: &str = "/notes.v1.Notes/Watch";

pub const STREAMS_PER_CLIENT_MAX: usize = 2;
const REQUEST_BYTES_DEFAULT: u32 = 1024;

/// A service behind its call policy. Its handler does what the header `x-do` says.
pub struct Service {
    rpc: Rpc<BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>>,
    pub key: SigningKey,
    pub handler: Handler,
}

/// Counts the calls that reach the handler and that complete.
#[derive(Clone)]
pub struct Handler {
    began: Arc<AtomicUsize>,
    completed: Arc<AtomicUsize>,
    /// One permit lets one held call complete.
    pub gate: Arc<Semaphore>,
}

impl Handler {
    async fn handle(self, request: Request<Body>) -> Result<Response<Body>, Infallible> {
        self.began.fetch_add(1, Ordering::SeqCst);
        let action = request.headers().get("x-do").map_or("", |value| value.to_str().unwrap());
        let response = match action {
            "hold" => {
                self.gate.acquire().await.unwrap().forget();
                ok(Body::empty())
            }
            "stream" => ok(Body::new(StreamBody::new(endless()))),
            "report-time-left" => {
                let time_left = deadline::remaining(Duration::MAX).as_millis().to_string();
                let mut response = ok(Body::empty());
                response.headers_mut().insert("x-time-left", time_left.parse().unwrap());
                response
            }
            "report-role" => {
                let claims = request.extensions().get::<Arc<Claims>>();
                let role = claims.map_or("none", |claims| &*claims.role).parse().unwrap();
                let mut response = ok(Body::empty());
                response.headers_mut().insert("x-role", role);
                response
            }
            "state-no-change" => {
                audit::unchanged();
                ok(Body::empty())
            }
            "name-caller" => {
                let call = audit::in_current_call(async { audit::current() });
                let call = tokio::spawn(call).await.unwrap();
                audit::unchanged();
                let caller = call.map(|call| format!("{} {}", call.actor_id, call.method));
                let mut response = ok(Body::empty());
                let caller = caller.unwrap_or_default().parse().unwrap();
                response.headers_mut().insert("x-caller", caller);
                response
            }
            // As tonic does: the error of the body is the status of the response.
            "read" => match request.into_body().collect().await {
                Ok(_) => ok(Body::empty()),
                Err(status) => status.into_http(),
            },
            "" => ok(Body::empty()),
            code => Status::new(Code::from(code.parse::<i32>().unwrap()), "of tonic").into_http(),
        };
        self.completed.fetch_add(1, Ordering::SeqCst);
        Ok(response)
    }

    pub fn began(&self) -> usize {
        self.began.load(Ordering::SeqCst)
    }

    pub fn completed(&self) -> usize {
        self.completed.load(Ordering::SeqCst)
    }

    pub async fn until_began(&self, calls: usize) {
        eventually("calls reach the handler", async || (self.began() == calls).then_some(())).await;
    }
}

fn ok(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert("grpc-status", "0".parse().unwrap());
    response
}

fn endless() -> impl futures::Stream<Item = Result<Frame<Bytes>, Status>> {
    futures::stream::pending()
}

impl Service {
    pub fn new() -> Self {
        Self::with_limits(10, 10, Duration::from_secs(30))
    }

    pub fn with_limits(calls_max: usize, streams_max: usize, call_duration_max: Duration) -> Self {
        let key = SigningKey::generate("k1");
        let token = TokenConfig {
            jwks_url: "http://localhost:1/".parse().unwrap(),
            jwks_age_seconds_max: Duration::from_secs(60),
            token_issuer: "shopmesh".into(),
            token_audience: "shopmesh".into(),
        };
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let limits = ServerConfig {
            listen_address: any,
            admin_address: any,
            drain_seconds_max: Duration::from_secs(1),
            call_seconds_max: call_duration_max,
            calls_max,
            streams_max,
            connections_max: 100,
            request_bytes_default: REQUEST_BYTES_DEFAULT,
        };
        let policy = CallPolicy {
            methods: Arc::new(super::notes()),
            verifier: Verifier::fixed(&token, &jwks(&[&key])).unwrap(),
            call_duration_max,
            limits: ConcurrencyLimits::new(&limits),
            client_streams: ClientStreams::new(STREAMS_PER_CLIENT_MAX),
            request_bytes_default: REQUEST_BYTES_DEFAULT,
        };
        let handler = Handler {
            began: Arc::default(),
            completed: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
        };
        let handlers = handler.clone();
        let handlers = tower::service_fn(move |request| handlers.clone().handle(request));
        Self { rpc: Rpc::new(policy, BoxCloneSyncService::new(handlers)), key, handler }
    }

    pub async fn send(&self, request: Builder) -> Response<Body> {
        let request = request.body(Body::empty()).unwrap();
        let response = timeout(PATIENCE, self.rpc.clone().oneshot(request)).await;
        response.expect("a response arrives").unwrap_or_else(|never| match never {})
    }

    /// Starts a call in a task, as a connected client has it.
    pub fn start(&self, request: Builder) -> tokio::task::JoinHandle<Response<Body>> {
        let (rpc, request) = (self.rpc.clone(), request.body(Body::empty()).unwrap());
        tokio::spawn(
            async move { rpc.oneshot(request).await.unwrap_or_else(|never| match never {}) },
        )
    }

    /// Sends a body in pieces, and returns the status.
    pub async fn upload(&self, path: &str, pieces: Vec<Bytes>) -> Status {
        let pieces = pieces.into_iter().map(|piece| Ok::<_, Status>(Frame::data(piece)));
        let body = Body::new(StreamBody::new(futures::stream::iter(pieces)));
        let request = call(path).header("x-do", "read").body(body).unwrap();
        let response = self.rpc.clone().oneshot(request).await;
        status(response.unwrap_or_else(|never| match never {}).headers())
    }

    pub async fn status(&self, request: Builder) -> Status {
        status(self.send(request).await.headers())
    }
}

pub fn status(headers: &HeaderMap) -> Status {
    Status::from_header_map(headers).expect("a response has a status")
}

pub fn call(path: &str) -> Builder {
    Request::post(path).header("content-type", "application/grpc")
}

pub fn peer(certificate_name: Option<&str>) -> Peer {
    let address = "127.0.0.1:1".parse().unwrap();
    Peer { address, certificate_name: certificate_name.map(Arc::from), calls: None }
}
