//! Faults in a store that a test starts.

use std::{fs, time::Duration};

use devstack::{Options, Part, Stack};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use tokio_postgres::{Client, NoTls};

/// Starts a store with these parts. Its folder is removed when the returned handle is dropped.
async fn start(parts: &[Part]) -> (Stack, TempDir) {
    let dir = tempfile::tempdir().expect("a folder");
    let options = Options::new(dir.path()).parts(parts.iter().copied());
    (Stack::start(options).await.expect("it starts"), dir)
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < Duration::from_secs(60), "timeout: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn connect(stack: &Stack) -> Client {
    let url = stack.addresses().postgres_url("postgres").expect("the store has it");
    let (client, connection) =
        tokio_postgres::connect(&url, NoTls).await.expect("it accepts connections");
    tokio::spawn(connection);
    client
}

async fn pid(stack: &Stack, part: Part) -> i32 {
    stack.pid(part).await.expect("it runs").try_into().expect("a process id")
}

#[tokio::test]
async fn a_killed_server_restarts_with_its_data() {
    let (stack, _dir) = start(&[Part::Postgres]).await;
    connect(&stack).await.batch_execute("CREATE TABLE kept ()").await.expect("a new table");
    let first = pid(&stack, Part::Postgres).await;

    stack.kill(Part::Postgres).await.expect("the store has it");
    stack.wait_ready(Part::Postgres).await.expect("it restarts");
    connect(&stack).await.batch_execute("SELECT FROM kept").await.expect("the table exists");

    // Not through the supervisor, and only the first process: its workers hold the memory for a
    // moment.
    let second = pid(&stack, Part::Postgres).await;
    kill(Pid::from_raw(second), Signal::SIGKILL).expect("it runs");
    until("another process", async || {
        stack.pid(Part::Postgres).await.is_some_and(|pid| pid != second as u32)
    })
    .await;
    stack.wait_ready(Part::Postgres).await.expect("it restarts");
    connect(&stack).await.batch_execute("SELECT FROM kept").await.expect("the table exists");
    assert_ne!(first, second);
    stack.stop().await;
}

#[tokio::test]
async fn a_killed_broker_restarts() {
    let (stack, _dir) = start(&[Part::Kafka]).await;
    stack.kill(Part::Kafka).await.expect("the store has it");
    stack.wait_ready(Part::Kafka).await.expect("it restarts");
    stack.stop().await;
}

#[tokio::test]
async fn injected_faults_never_count_as_deaths() {
    let (stack, _dir) = start(&[Part::Mailbox]).await;
    for _ in 0..6 {
        stack.kill(Part::Mailbox).await.expect("the store has it");
        stack.wait_ready(Part::Mailbox).await.expect("it restarts");
    }
    stack.terminate(Part::Mailbox).await.expect("the store has it");
    stack.wait_ready(Part::Mailbox).await.expect("it restarts");
    stack.stop().await;
}

#[tokio::test]
async fn five_deaths_in_a_row_fail_the_store_with_the_end_of_the_log() {
    let (stack, dir) = start(&[Part::Postgres]).await;
    stack.stop_part(Part::Postgres).await.expect("the store has it");
    fs::write(dir.path().join("postgres/postgresql.conf"), "no such setting\n").expect("it writes");
    stack.start_part(Part::Postgres, &[]).await.expect("the store has it");
    let error = stack.failed().await.to_string();
    assert!(error.starts_with("postgres died 5 times in a row"), "{error}");
    assert!(error.contains("syntax error"), "the end of the log is missing: {error}");
    assert!(stack.wait_ready(Part::Postgres).await.is_err());
    stack.stop().await;
}

#[tokio::test]
async fn a_stopped_part_stays_stopped_until_it_is_started() {
    let (stack, _dir) = start(&[Part::Mailbox]).await;
    let before = pid(&stack, Part::Mailbox).await;
    stack.stop_part(Part::Mailbox).await.expect("the store has it");
    assert_eq!(stack.pid(Part::Mailbox).await, None);
    stack.kill(Part::Mailbox).await.expect("killing a stopped part does nothing");
    assert!(!fs::exists(format!("/proc/{before}")).expect("/proc answers"));

    stack.start_part(Part::Mailbox, &[("FAULT", "here")]).await.expect("the store has it");
    stack.wait_ready(Part::Mailbox).await.expect("it starts");
    let pid = pid(&stack, Part::Mailbox).await;
    let environment = fs::read(format!("/proc/{pid}/environ")).expect("a process of the same user");
    assert!(String::from_utf8_lossy(&environment).contains("\0FAULT=here\0"));
    stack.stop().await;
}

#[tokio::test]
async fn a_paused_part_resumes_and_stops_even_while_paused() {
    let (stack, _dir) = start(&[Part::Mailbox]).await;
    let pid = pid(&stack, Part::Mailbox).await;
    let halted = || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
        stat.contains(") T ")
    };
    stack.pause(Part::Mailbox).await.expect("the store has it");
    until("it halts", async || halted()).await;
    stack.resume(Part::Mailbox).await.expect("the store has it");
    until("it continues", async || !halted()).await;
    stack.pause(Part::Mailbox).await.expect("the store has it");
    stack.stop().await;
    assert!(!fs::exists(format!("/proc/{pid}")).expect("/proc answers"));
}

#[tokio::test]
async fn a_dropped_store_leaves_no_process() {
    let (stack, _dir) = start(&[Part::Mailbox]).await;
    let pid = pid(&stack, Part::Mailbox).await;
    drop(stack);
    until("it is gone", async || !fs::exists(format!("/proc/{pid}")).expect("/proc answers")).await;
}
