//! What happens to a call before and after its handler: admission, deadline, load shedding, and the
//! codes of the contract.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod support;

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
    access::Access,
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
    issuer::{SigningKey, claims, jwks},
    status::reason,
};
use tokio::{sync::Semaphore, time::timeout};
use tonic::{Code, Status, body::Body};
use tonic_types::StatusExt;
use tower::{ServiceExt, util::BoxCloneSyncService};

const READ: &str = "/notes.v1.Notes/Read";
const WRITE: &str = "/notes.v1.Notes/Write";
const EDIT: &str = "/notes.v1.Notes/Edit";
const PURGE: &str = "/notes.v1.Notes/Purge";
const INDEX: &str = "/notes.v1.Notes/Index";
const IMPORT: &str = "/notes.v1.Notes/Import";
const BACKUP: &str = "/notes.v1.Notes/Backup";
const UPLOAD: &str = "/notes.v1.Notes/Upload";
const REQUEST_BYTES_DEFAULT: u32 = 1024;
const STREAMS_PER_CLIENT_MAX: usize = 2;
const WATCH: &str = "/notes.v1.Notes/Watch";

/// A service behind its call policy. Its handler does what the header `x-do` says.
struct Service {
    rpc: Rpc<BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>>,
    key: SigningKey,
    handler: Handler,
}

/// Counts the calls that reach the handler and that complete.
#[derive(Clone)]
struct Handler {
    began: Arc<AtomicUsize>,
    completed: Arc<AtomicUsize>,
    /// One permit lets one held call complete.
    gate: Arc<Semaphore>,
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

    fn began(&self) -> usize {
        self.began.load(Ordering::SeqCst)
    }

    fn completed(&self) -> usize {
        self.completed.load(Ordering::SeqCst)
    }

    async fn until_began(&self, calls: usize) {
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
    fn new() -> Self {
        Self::with_limits(10, 10, Duration::from_secs(30))
    }

    fn with_limits(calls_max: usize, streams_max: usize, call_duration_max: Duration) -> Self {
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
            methods: Arc::new(support::notes()),
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

    async fn send(&self, request: Builder) -> Response<Body> {
        let request = request.body(Body::empty()).unwrap();
        let response = timeout(PATIENCE, self.rpc.clone().oneshot(request)).await;
        response.expect("a response arrives").unwrap_or_else(|never| match never {})
    }

    /// Starts a call in a task, as a connected client has it.
    fn start(&self, request: Builder) -> tokio::task::JoinHandle<Response<Body>> {
        let (rpc, request) = (self.rpc.clone(), request.body(Body::empty()).unwrap());
        tokio::spawn(
            async move { rpc.oneshot(request).await.unwrap_or_else(|never| match never {}) },
        )
    }

    /// Sends a body in pieces, and returns the status.
    async fn upload(&self, path: &str, pieces: Vec<Bytes>) -> Status {
        let pieces = pieces.into_iter().map(|piece| Ok::<_, Status>(Frame::data(piece)));
        let body = Body::new(StreamBody::new(futures::stream::iter(pieces)));
        let request = call(path).header("x-do", "read").body(body).unwrap();
        let response = self.rpc.clone().oneshot(request).await;
        status(response.unwrap_or_else(|never| match never {}).headers())
    }

    async fn status(&self, request: Builder) -> Status {
        status(self.send(request).await.headers())
    }
}

fn status(headers: &HeaderMap) -> Status {
    Status::from_header_map(headers).expect("a response has a status")
}

fn call(path: &str) -> Builder {
    Request::post(path).header("content-type", "application/grpc")
}

fn peer(certificate_name: Option<&str>) -> Peer {
    let address = "127.0.0.1:1".parse().unwrap();
    Peer { address, certificate_name: certificate_name.map(Arc::from), calls: None }
}

#[tokio::test]
async fn a_call_without_the_required_role_does_not_reach_the_handler() {
    let service = Service::new();
    let bearer = |role| format!("Bearer {}", service.key.token(&claims(role, 600)));
    for (authorization, code, expected) in [
        (None, Code::Unauthenticated, "TOKEN_MISSING"),
        (Some("Bearer nonsense".to_owned()), Code::Unauthenticated, "TOKEN_INVALID"),
        (Some(bearer("guest")), Code::PermissionDenied, "ROLE_REQUIRED"),
    ] {
        let mut request = call(EDIT);
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let status = service.status(request).await;
        assert_eq!((status.code(), &*reason(&status)), (code, expected));
    }
    assert_eq!(service.handler.began(), 0);

    let editor = call(EDIT).header("authorization", bearer("editor")).header("x-do", "report-role");
    assert_eq!(service.send(editor).await.headers()["x-role"], "editor");
}

#[tokio::test]
async fn a_call_of_the_highest_role_succeeds_only_if_it_states_what_it_changes() {
    let service = Service::new();
    let owner = format!("Bearer {}", service.key.token(&claims("owner", 600)));
    for (path, action, code) in [
        (PURGE, "", Code::Internal),
        (PURGE, "state-no-change", Code::Ok),
        // Rejected: nothing was changed.
        (PURGE, "5", Code::NotFound),
        // Lower roles may call it as well.
        (EDIT, "", Code::Ok),
    ] {
        let request = call(path).header("authorization", &owner).header("x-do", action);
        assert_eq!(service.status(request).await.code(), code, "{path} {action}");
    }
}

#[tokio::test]
async fn the_handler_of_an_audited_call_finds_who_calls_also_in_a_task_of_its_own() {
    let service = Service::new();
    let claims = claims("owner", 600);
    let owner = format!("Bearer {}", service.key.token(&claims));
    for (path, caller) in
        [(PURGE, format!("{} notes.v1.Notes/Purge", claims.sub)), (EDIT, String::new())]
    {
        let request = call(path).header("authorization", &owner).header("x-do", "name-caller");
        assert_eq!(service.send(request).await.headers()["x-caller"], caller.as_str());
    }
}

#[tokio::test]
async fn a_public_method_ignores_tokens() {
    let service = Service::new();
    let request = call(READ).header("authorization", "Bearer x").header("x-do", "report-role");
    assert_eq!(service.send(request).await.headers()["x-role"], "none");
}

#[tokio::test]
async fn an_internal_method_admits_its_callers_by_their_certificates() {
    let service = Service::new();
    for (name, is_admitted) in [(Some("search-svc"), true), (Some("web"), false), (None, false)] {
        let status = service.status(call(INDEX).extension(peer(name))).await;
        let code = if is_admitted { Code::Ok } else { Code::PermissionDenied };
        assert_eq!(status.code(), code, "{name:?}");
    }
    let owner = format!("Bearer {}", service.key.token(&claims("owner", 600)));
    let status = service.status(call(INDEX).header("authorization", owner)).await;
    assert_eq!(reason(&status), "CALLER_NOT_ALLOWED");
    assert_eq!(service.handler.began(), 1);
}

#[tokio::test]
async fn unknown_methods_are_unimplemented_and_other_paths_pass() {
    let service = Service::new();
    let status = service.status(call("/notes.v1.Notes/Nothing")).await;
    assert_eq!((status.code(), status.details()), (Code::Unimplemented, &[][..]));
    assert_eq!(service.handler.began(), 0);

    assert_eq!(service.status(call("/grpc.health.v1.Health/Check")).await.code(), Code::Ok);
    // Documents in plain HTTP, such as the JWKS.
    let get = Request::get("/.well-known/jwks.json");
    assert_eq!(service.status(get).await.code(), Code::Ok);
    assert_eq!(service.handler.began(), 2);
}

#[tokio::test]
async fn a_call_ends_at_the_deadline_of_its_caller_or_at_the_limit_of_the_service() {
    let service = Service::new();
    for path in [READ, WRITE, WATCH] {
        let request = call(path).header("x-do", "hold").header("grpc-timeout", "20m");
        let status = service.status(request).await;
        assert_eq!((status.code(), status.details()), (Code::DeadlineExceeded, &[][..]), "{path}");
    }
    assert_eq!(service.handler.completed(), 0);

    let strict = Service::with_limits(10, 10, Duration::from_millis(20));
    let request = call(READ).header("x-do", "hold").header("grpc-timeout", "1H");
    assert_eq!(strict.status(request).await.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn the_handler_knows_the_time_left_of_its_call() {
    let service = Service::new();
    for (timeout, milliseconds_max) in [(Some("5S"), 5_000), (Some("1H"), 30_000), (None, 30_000)] {
        let mut request = call(WRITE).header("x-do", "report-time-left");
        if let Some(timeout) = timeout {
            request = request.header("grpc-timeout", timeout);
        }
        let response = service.send(request).await;
        let left: u64 = response.headers()["x-time-left"].to_str().unwrap().parse().unwrap();
        assert!((milliseconds_max - 4_000..=milliseconds_max).contains(&left), "{left}");
    }
}

#[tokio::test]
async fn calls_above_the_limit_are_shed_and_streams_have_their_own() {
    let service = Service::with_limits(1, 1, Duration::from_secs(30));
    let held = service.start(call(READ).header("x-do", "hold"));
    service.handler.until_began(1).await;

    let shed = service.status(call(WRITE)).await;
    assert_eq!((shed.code(), &*reason(&shed)), (Code::ResourceExhausted, "OVERLOADED"));
    let retry = shed.get_details_retry_info().and_then(|retry| retry.retry_delay);
    assert!(retry.is_some(), "the client knows when to retry");
    assert_eq!(service.handler.began(), 1);
    assert_eq!(service.status(call(WATCH)).await.code(), Code::Ok);
    assert_eq!(service.status(call("/grpc.health.v1.Health/Check")).await.code(), Code::Ok);

    service.handler.gate.add_permits(1);
    held.await.unwrap();
    assert_eq!(service.status(call(WRITE)).await.code(), Code::Ok);
}

/// Returns a message of this length in its gRPC frame.
fn frame(length: usize) -> Bytes {
    let prefix = u32::try_from(length).unwrap().to_be_bytes();
    [&[0][..], &prefix, &vec![b'x'; length]].concat().into()
}

#[tokio::test]
async fn a_request_body_is_limited_by_the_contract_or_by_the_setting() {
    let service = Service::new();
    let rest = 1000 - frame(0).len();
    for (path, pieces, is_accepted) in [
        (WRITE, vec![frame(1024 - 5)], true),
        (WRITE, vec![frame(1024 - 4)], false),
        (WRITE, vec![frame(1024 - 5), frame(0)], false),
        (WRITE, vec![frame(4 << 20).slice(..5)], false),
        (WRITE, vec![frame(0); 205], false),
        (IMPORT, vec![frame(4096 - 5)], true),
        (IMPORT, vec![frame(4096 - 4)], false),
        (UPLOAD, vec![frame(1024); 10], true),
        (UPLOAD, vec![frame(1), frame(1025)], false),
        (BACKUP, vec![frame(rest); 4], true),
        (BACKUP, vec![frame(rest); 5], false),
    ] {
        let status = service.upload(path, pieces.clone()).await;
        let expected = if is_accepted {
            (Code::Ok, "")
        } else {
            (Code::ResourceExhausted, "MESSAGE_TOO_LARGE")
        };
        let sizes: Vec<_> = pieces.iter().map(Bytes::len).collect();
        assert_eq!((status.code(), &*reason(&status)), expected, "{path} {sizes:?}");
    }
}

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

#[tokio::test]
async fn a_write_completes_after_its_client_has_disconnected_and_a_read_is_cancelled() {
    let service = Service::new();
    let handler = &service.handler;
    for path in [READ, WRITE] {
        let began = handler.began();
        let client = service.start(call(path).header("x-do", "hold"));
        handler.until_began(began + 1).await;
        client.abort();
        assert!(client.await.unwrap_err().is_cancelled());
    }
    // Only the write still waits at the gate.
    handler.gate.add_permits(2);
    eventually("the write completes", async || (handler.completed() == 1).then_some(())).await;
    assert_eq!(handler.gate.available_permits(), 1);
}

#[tokio::test]
async fn a_write_completes_after_its_deadline_has_passed_and_a_read_is_cancelled() {
    let service = Service::new();
    let handler = &service.handler;
    for path in [READ, WRITE] {
        let late = call(path).header("x-do", "hold").header("grpc-timeout", "50m");
        assert_eq!(service.status(late).await.code(), Code::DeadlineExceeded);
    }
    // Only the write still waits at the gate.
    handler.gate.add_permits(2);
    eventually("the write completes", async || (handler.completed() == 1).then_some(())).await;
    assert_eq!(handler.gate.available_permits(), 1);
}

#[tokio::test]
async fn statuses_of_tonic_become_those_of_the_contract() {
    let service = Service::new();
    for (code, expected_code, expected_reason) in [
        (Code::OutOfRange, Code::ResourceExhausted, "MESSAGE_TOO_LARGE"),
        (Code::ResourceExhausted, Code::ResourceExhausted, "MESSAGE_TOO_LARGE"),
        (Code::Unimplemented, Code::Unimplemented, ""),
        (Code::Cancelled, Code::DeadlineExceeded, ""),
        (Code::Internal, Code::InvalidArgument, "VALIDATION_FAILED"),
        (Code::InvalidArgument, Code::InvalidArgument, "VALIDATION_FAILED"),
        (Code::Unknown, Code::InvalidArgument, "VALIDATION_FAILED"),
    ] {
        let request = call(READ).header("x-do", (code as i32).to_string());
        let status = service.status(request).await;
        assert_eq!((status.code(), &*reason(&status)), (expected_code, expected_reason), "{code}");
    }
}
