//! What happens to a call before and after its handler: admission, deadline, load shedding, and the
//! codes of the contract.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod support;

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use support::service::{
    BACKUP, EDIT, IMPORT, INDEX, PURGE, READ, Service, UPLOAD, WATCH, WRITE, call, peer,
};
use tests::{eventually, issuer::claims, status::reason};
use tonic::Code;
use tonic_types::StatusExt;

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
