//! Throttling: failed logins, sign-ups and requests for links.

use diesel_async::SimpleAsyncConnection;
use proto::user::v1::RequestPasswordResetRequest;
use tests::{PATIENCE, eventually};
use tokio::task::JoinSet;
use tonic::Status;
use tonic_types::StatusExt;
use user_svc::upkeep::delete_expired_batch;

use crate::harness::{
    PASSWORD, Service, from_address, login_request, rejection, sign_up_request, start, start_with,
    whole_error,
};

async fn log_in(service: &Service, email: &str, password: &str) -> Result<(), Status> {
    service.users().login(login_request(email, password)).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn after_ten_wrong_passwords_the_right_one_is_rejected_too() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    service.sign_up("bob@example.com").await;
    for _ in 0..12 {
        log_in(&service, "ada@example.com", PASSWORD)
            .await
            .expect("successful logins do not count");
    }
    for _ in 0..10 {
        let reason = rejection(log_in(&service, "ada@example.com", "wrong").await);
        assert_eq!(reason, "BAD_CREDENTIALS");
    }
    for (email, password) in [("ada@example.com", PASSWORD), ("ADA@example.com", "wrong")] {
        let status = log_in(&service, email, password).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::ResourceExhausted);
        assert_eq!(tests::status::reason(&status), "RATE_LIMITED");
        let retry = status.get_error_details().retry_info().unwrap().retry_delay.unwrap();
        assert!((840..=901).contains(&retry.as_secs()), "{retry:?}");
    }
    log_in(&service, "bob@example.com", PASSWORD).await.expect("each account has its own limit");

    service.execute("UPDATE tries SET created_at = created_at - interval '15 minutes'").await;
    log_in(&service, "ada@example.com", PASSWORD).await.expect("the window has passed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_without_an_account_has_the_same_limit() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    let mut errors = Vec::new();
    for email in ["ada@example.com", "nobody@example.com"] {
        for _ in 0..10 {
            let reason = rejection(log_in(&service, email, "wrong").await);
            assert_eq!(reason, "BAD_CREDENTIALS");
        }
        // The details are not compared: RetryInfo has the remaining time.
        service.execute("UPDATE tries SET created_at = now() - interval '10 minutes'").await;
        let status = service.users().login(login_request(email, "wrong")).await;
        let (code, message, _) = whole_error(status);
        errors.push((code, message));
    }
    assert_eq!(errors[0], errors[1]);
    assert_eq!(errors[0].0, tonic::Code::ResourceExhausted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_guess_after_ten_concurrent_wrong_ones_is_rejected() {
    let service = start().await;
    // All calls use one open channel, so they arrive in the order in which they are made.
    let mut users = service.users();
    users.sign_up(sign_up_request("ada@example.com")).await.unwrap();
    let mut wrong = JoinSet::new();
    for _ in 0..60 {
        let mut users = users.clone();
        let request = login_request("ada@example.com", "wrong");
        wrong.spawn(async move { rejection(users.login(request).await) });
    }
    // One has ended, so the others are queued before this one.
    wrong.join_next().await.unwrap().unwrap();
    let right = users.login(login_request("ada@example.com", PASSWORD)).await;
    assert_eq!(rejection(right), "RATE_LIMITED");
    wrong.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_concurrent_wrong_passwords_one_is_rejected_if_one_attempt_is_left() {
    let service = start().await;
    for _ in 0..9 {
        log_in(&service, "ada@example.com", "wrong").await.unwrap_err();
    }
    // Both have been checked when they wait: one for this lock, the other for the first.
    let database = service.database();
    let mut lock = database.connection().await.unwrap();
    lock.batch_execute("BEGIN; LOCK TABLE tries IN EXCLUSIVE MODE").await.unwrap();
    let unlocked = async {
        eventually("two calls that wait", async || {
            let waiting = "SELECT count(*) FROM pg_stat_activity \
                 WHERE datname = current_database() AND wait_event_type = 'Lock'";
            (service.count(waiting).await == 2).then_some(())
        })
        .await;
        lock.batch_execute("COMMIT").await.unwrap();
    };
    let wrong = || log_in(&service, "ada@example.com", "wrong");
    let (one, two, ()) = tokio::join!(wrong(), wrong(), unlocked);
    let mut reasons = [rejection(one), rejection(two)];
    reasons.sort();
    assert_eq!(reasons, ["BAD_CREDENTIALS", "RATE_LIMITED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_password_tried_on_many_accounts_is_throttled() {
    let service = start_with(&[("login-failures-per-network-max", "5")]).await;
    service.sign_up("ada@example.com").await;
    let mut users = service.users();
    let mut log_in = async |address: &str, email: &str, password: &str| {
        users.login(from_address(address, login_request(email, password))).await.map(drop)
    };
    for n in 0..5 {
        // All hosts of a /48 are one network.
        let address = format!("2001:db8:1:{n:x}::1");
        let reason = rejection(log_in(&address, &format!("{n}@example.com"), "guess").await);
        assert_eq!(reason, "BAD_CREDENTIALS");
    }
    for (email, password) in [("ada@example.com", PASSWORD), ("bob@example.com", "guess")] {
        let reason = rejection(log_in("2001:db8:1:99::1", email, password).await);
        assert_eq!(reason, "RATE_LIMITED");
    }
    log_in("2001:db8:2::1", "ada@example.com", PASSWORD).await.expect("another network");
    service.execute("UPDATE tries SET created_at = created_at - interval '15 minutes'").await;
    log_in("2001:db8:1::1", "ada@example.com", PASSWORD).await.expect("the window has passed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_signs_up_a_limited_number_of_accounts_an_hour() {
    let service = start_with(&[("sign-ups-max", "5")]).await;
    let mut users = service.users();
    let mut sign_up = async |address: &str, email: &str| {
        users.sign_up(from_address(address, sign_up_request(email))).await.map(drop)
    };
    for n in 0..3 {
        // All hosts of a /48 are one network.
        let address = format!("2001:db8:1:{n:x}::1");
        sign_up(&address, &format!("{n}@example.com")).await.expect("within the limit");
    }
    for _ in 0..2 {
        assert_eq!(rejection(sign_up("2001:db8:1::9", "0@example.com").await), "EMAIL_TAKEN");
    }
    // Taken or not: otherwise the error would reveal which are taken.
    for email in ["0@example.com", "new@example.com"] {
        assert_eq!(rejection(sign_up("2001:db8:1::9", email).await), "RATE_LIMITED");
    }
    sign_up("2001:db8:2::1", "new@example.com").await.expect("another network");
    service.execute("UPDATE tries SET created_at = created_at - interval '1 hour'").await;
    sign_up("2001:db8:1::9", "next@example.com").await.expect("the window has passed");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_concurrent_sign_ups_of_one_network_no_more_succeed() {
    let settings = [("sign-ups-max", "3"), ("password-calls-per-network-max", "1000")];
    let service = start_with(&settings).await;
    let mut calls = JoinSet::new();
    for n in 0..12 {
        let mut users = service.users();
        let request = from_address("10.0.0.1", sign_up_request(&format!("{n}@example.com")));
        calls.spawn(async move { users.sign_up(request).await.map(drop) });
    }
    let results = calls.join_all().await;
    let (created, rejected): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(created.len(), 3);
    for result in rejected {
        assert_eq!(rejection(result), "RATE_LIMITED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_gateway_may_forward_an_address() {
    let service = start_with(&[("sign-ups-max", "2")]).await;
    let mut users = service.users_as("order-svc");
    let mut results = Vec::new();
    for n in 0..3 {
        let message = sign_up_request(&format!("{n}@example.com"));
        let request = from_address(&format!("10.0.0.{n}"), message);
        results.push(users.sign_up(request).await);
    }
    assert_eq!(rejection(results.pop().unwrap()), "RATE_LIMITED");
    assert!(results.iter().all(Result::is_ok));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_beyond_its_limit_does_not_wait_for_others_of_its_network() {
    let service = start().await;
    let request =
        || from_address("10.0.0.1", RequestPasswordResetRequest { email: "a@example.com".into() });
    let mut users = service.users();
    users.request_password_reset(request()).await.unwrap();
    service
        .execute(
            "INSERT INTO tries (kind, subject, created_at) \
             SELECT kind, subject, created_at FROM tries, generate_series(1, 99)",
        )
        .await;
    // The lock of the network, as another call of it holds it.
    let database = service.database();
    let mut connection = database.connection().await.unwrap();
    let lock = "SELECT pg_advisory_lock(('x' || ( \
                    SELECT string_agg(substr(encode(subject, 'hex'), 17 - 2 * i, 2), '') \
                    FROM generate_series(1, 8) AS i))::bit(64)::bigint) \
                FROM (SELECT subject FROM tries LIMIT 1) AS network";
    connection.batch_execute(lock).await.unwrap();
    let mut request = request();
    request.set_timeout(PATIENCE);
    assert_eq!(rejection(users.request_password_reset(request).await), "RATE_LIMITED");
    connection.batch_execute("SELECT pg_advisory_unlock_all()").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_outside_every_window_are_deleted() {
    let service = start().await;
    for _ in 0..3 {
        let reason = rejection(log_in(&service, "nobody@example.com", "wrong").await);
        assert_eq!(reason, "BAD_CREDENTIALS");
    }
    let old = "UPDATE tries SET created_at = created_at - interval '2 hours' \
               WHERE id IN (SELECT id FROM tries ORDER BY id LIMIT 4)";
    service.execute(old).await;
    assert!(!delete_expired_batch(&service.database()).await.unwrap());
    // Each failure counts for its network and for its account.
    service.execute("DO $$ BEGIN ASSERT (SELECT count(*) FROM tries) = 2; END $$").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_the_attempts_cannot_find_out_whose_they_are() {
    let service = start_with(&[]).await;
    service.sign_up("ada@example.com").await;
    let network = "203.0.113.9";
    let login = login_request("ada@example.com", "wrong");
    service.users().login(from_address(network, login)).await.unwrap_err();
    let request = RequestPasswordResetRequest { email: "ada@example.com".into() };
    service.users().request_password_reset(from_address(network, request)).await.unwrap();
    assert_eq!(service.count("SELECT count(DISTINCT kind) FROM tries").await, 5);
    // Whoever suspects an address may hash it.
    for known in [&b"ada@example.com"[..], network.as_bytes(), &[203, 0, 113, 9]] {
        let known: String = known.iter().map(|byte| format!("{byte:02x}")).collect();
        let rows = format!(
            "SELECT count(*) FROM tries, \
             (VALUES (decode('{known}', 'hex')), (sha256(decode('{known}', 'hex'))), \
                     (sha512(decode('{known}', 'hex')))) AS guesses (guess) \
             WHERE position(substring(guess FOR 32) IN subject) > 0"
        );
        assert_eq!(service.count(&rows).await, 0, "{known}");
    }
}
