//! The bounded queue of password work, in a process of its own, whose memory is measured.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::available_parallelism,
};

use proto::user::v1::{LoginRequest, RefreshSessionRequest};
use tests::{eventually, status::reason};
use tokio::task::JoinSet;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::{
    harness::{PASSWORD, Users, database, from_address, login_request, sign_up_request},
    program::Program,
};

const CALLS: usize = 400;
const HASH_KIB: usize = 19 << 10;
/// For the calls themselves, and for what the allocator keeps.
const SLACK_KIB: usize = 32 << 10;

/// Logs in again and again with wrong passwords, [`CALLS`] at a time, until `stop`. Returns the
/// rejections.
fn flood(
    users: &Users,
    stop: &Arc<AtomicBool>,
    started: &Arc<AtomicUsize>,
) -> JoinSet<Vec<Status>> {
    let mut flood = JoinSet::new();
    for n in 0..CALLS {
        let (mut users, stop, started) = (users.clone(), stop.clone(), started.clone());
        flood.spawn(async move {
            let mut rejections = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let request = login_request(&format!("{n}@example.com"), "wrong");
                let status = users.login(from_address("10.0.0.1", request)).await.unwrap_err();
                if status.code() == Code::ResourceExhausted {
                    rejections.push(status);
                }
                started.fetch_add(1, Ordering::Relaxed);
            }
            rejections
        });
    }
    flood
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_logins_from_one_network_leaves_all_others_alone() {
    let program = Program::start(&database().await);
    let mut users = program.users.clone();
    let elsewhere = |request: LoginRequest| from_address("10.0.0.2", request);
    eventually("a sign-up", async || {
        let request = from_address("10.0.0.2", sign_up_request("ada@example.com"));
        program.users.clone().sign_up(request).await.ok()
    })
    .await;
    let login = users.login(elsewhere(login_request("ada@example.com", PASSWORD))).await.unwrap();
    let before = program.memory_peak_kib();

    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let flood = flood(&program.users, &stop, &answered);
    eventually("a flood", async || (answered.load(Ordering::Relaxed) > CALLS).then_some(())).await;
    let mut refresh_token = login.into_inner().refresh_token;
    for _ in 0..5 {
        let request = RefreshSessionRequest { refresh_token };
        refresh_token = users.refresh_session(request).await.unwrap().into_inner().refresh_token;
        let request = elsewhere(login_request("ada@example.com", PASSWORD));
        users.login(request).await.expect("another network has its own place");
    }
    stop.store(true, Ordering::Relaxed);
    let rejections: Vec<Status> = flood.join_all().await.into_iter().flatten().collect();

    assert!(rejections.len() >= CALLS / 2, "{} rejections", rejections.len());
    for status in &rejections {
        assert_eq!(reason(status), "OVERLOADED");
        assert!(status.get_error_details().retry_info().is_some());
    }
    let permits = available_parallelism().unwrap().get().saturating_sub(1).max(1);
    let growth = program.memory_peak_kib() - before;
    assert!(growth <= permits * HASH_KIB + SLACK_KIB, "{growth} KiB");
}
