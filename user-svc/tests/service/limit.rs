//! Throttling: failed logins, and addresses that are taken.

use proto::user::v1::{SignUpRequest, SignUpResponse};
use tokio::task::JoinSet;
use tonic::{Request, Response, Status};
use tonic_types::StatusExt;
use user_svc::upkeep::delete_expired_batch;

use crate::harness::{
    PASSWORD, Service, Users, login_request, rejection, sign_up_request, start, whole_error,
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

/// Calls SignUp with `address` in `x-forwarded-for`.
async fn sign_up_from(
    users: &mut Users,
    address: &str,
    message: SignUpRequest,
) -> Result<Response<SignUpResponse>, Status> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("x-forwarded-for", address.parse().unwrap());
    users.sign_up(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_gets_email_taken_at_most_twenty_times_an_hour() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    let mut users = service.users();
    let taken = || sign_up_request("ada@example.com");
    for host in 0..20 {
        // All hosts of a /64 are one network.
        let address = format!("2001:db8:1:2::{host:x}");
        let reason = rejection(sign_up_from(&mut users, &address, taken()).await);
        assert_eq!(reason, "EMAIL_TAKEN");
    }
    // A free address is rejected too: otherwise the error would reveal which are taken.
    for message in [taken(), sign_up_request("new@example.com")] {
        let reason = rejection(sign_up_from(&mut users, "2001:db8:1:2::99", message).await);
        assert_eq!(reason, "RATE_LIMITED");
    }
    let reason = rejection(sign_up_from(&mut users, "2001:db8:1:3::1", taken()).await);
    assert_eq!(reason, "EMAIL_TAKEN");

    service.execute("UPDATE tries SET created_at = created_at - interval '1 hour'").await;
    let message = sign_up_request("new@example.com");
    assert!(sign_up_from(&mut users, "2001:db8:1:2::99", message).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_gateway_may_forward_an_address() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    let mut users = service.users_as("order-svc");
    let mut reasons = Vec::new();
    for host in 0..21 {
        let address = format!("10.0.0.{host}");
        let message = sign_up_request("ada@example.com");
        reasons.push(rejection(sign_up_from(&mut users, &address, message).await));
    }
    assert_eq!(reasons.pop().as_deref(), Some("RATE_LIMITED"));
    assert!(reasons.iter().all(|reason| reason == "EMAIL_TAKEN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_outside_every_window_are_deleted() {
    let service = start().await;
    for _ in 0..3 {
        let reason = rejection(log_in(&service, "nobody@example.com", "wrong").await);
        assert_eq!(reason, "BAD_CREDENTIALS");
    }
    let old = "UPDATE tries SET created_at = created_at - interval '2 hours' \
               WHERE id IN (SELECT id FROM tries LIMIT 2)";
    service.execute(old).await;
    assert!(!delete_expired_batch(&service.database()).await.unwrap());
    service.execute("DO $$ BEGIN ASSERT (SELECT count(*) FROM tries) = 1; END $$").await;
}
