//! How often somebody may try: failed log-ins, wrong secrets, addresses that are taken.

use proto::user::v1::{SignUpRequest, SignUpResponse};
use tokio::task::JoinSet;
use tonic::{Request, Response, Status};
use tonic_types::StatusExt;
use user_svc::upkeep::delete_expired_batch;

use crate::harness::{
    PASSWORD, Service, Users, all_of, login_request, refusal, sign_up_request, start,
};

async fn log_in(service: &Service, email: &str, password: &str) -> Result<(), Status> {
    service.users().login(login_request(email, password)).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn after_ten_wrong_passwords_even_the_right_one_waits() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    service.sign_up("bob@example.com").await;
    for _ in 0..12 {
        log_in(&service, "ada@example.com", PASSWORD).await.expect("log-ins do not count");
    }
    for _ in 0..10 {
        let refused = refusal(log_in(&service, "ada@example.com", "wrong").await);
        assert_eq!(refused, "BAD_CREDENTIALS");
    }
    for (email, password) in [("ada@example.com", PASSWORD), ("ADA@example.com", "wrong")] {
        let status = log_in(&service, email, password).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::ResourceExhausted);
        assert_eq!(tests::status::reason(&status), "RATE_LIMITED");
        let retry = status.get_error_details().retry_info().unwrap().retry_delay.unwrap();
        assert!((840..=901).contains(&retry.as_secs()), "{retry:?}");
    }
    log_in(&service, "bob@example.com", PASSWORD).await.expect("others do not wait");

    service.execute("UPDATE tries SET created_at = created_at - interval '15 minutes'").await;
    log_in(&service, "ada@example.com", PASSWORD).await.expect("the time has passed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_without_account_waits_as_one_with_an_account_does() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    let mut told = Vec::new();
    for email in ["ada@example.com", "nobody@example.com"] {
        for _ in 0..10 {
            let refused = refusal(log_in(&service, email, "wrong").await);
            assert_eq!(refused, "BAD_CREDENTIALS");
        }
        // RetryInfo has the time that is left.
        service.execute("UPDATE tries SET created_at = now() - interval '10 minutes'").await;
        let status = service.users().login(login_request(email, "wrong")).await;
        let (code, message, _) = all_of(status);
        told.push((code, message));
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0].0, tonic::Code::ResourceExhausted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guess_that_is_right_after_ten_wrong_ones_at_once_is_not_told() {
    let service = start().await;
    // One channel that stands already, so that calls arrive in the order in which they are made.
    let mut users = service.users();
    users.sign_up(sign_up_request("ada@example.com")).await.unwrap();
    let mut wrong = JoinSet::new();
    for _ in 0..60 {
        let mut users = users.clone();
        let request = login_request("ada@example.com", "wrong");
        wrong.spawn(async move { refusal(users.login(request).await) });
    }
    // One is answered, so the others stand in line before this one.
    wrong.join_next().await.unwrap().unwrap();
    let right = users.login(login_request("ada@example.com", PASSWORD)).await;
    assert_eq!(refusal(right), "RATE_LIMITED");
    wrong.join_all().await;
}

/// A SignUp that a proxy says came from `address`.
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
async fn a_network_learns_of_no_more_than_twenty_addresses_an_hour() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    let mut users = service.users();
    let taken = || sign_up_request("ada@example.com");
    for host in 0..20 {
        // One household, whatever the host.
        let address = format!("2001:db8:1:2::{host:x}");
        let refused = refusal(sign_up_from(&mut users, &address, taken()).await);
        assert_eq!(refused, "EMAIL_TAKEN");
    }
    // A refusal of taken addresses only would tell which are.
    for message in [taken(), sign_up_request("new@example.com")] {
        let refused = refusal(sign_up_from(&mut users, "2001:db8:1:2::99", message).await);
        assert_eq!(refused, "RATE_LIMITED");
    }
    let refused = refusal(sign_up_from(&mut users, "2001:db8:1:3::1", taken()).await);
    assert_eq!(refused, "EMAIL_TAKEN");

    service.execute("UPDATE tries SET created_at = created_at - interval '1 hour'").await;
    let message = sign_up_request("new@example.com");
    assert!(sign_up_from(&mut users, "2001:db8:1:2::99", message).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_gateway_says_where_a_call_comes_from() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    let mut users = service.users_as("order-svc");
    let mut told = Vec::new();
    for host in 0..21 {
        let address = format!("10.0.0.{host}");
        let message = sign_up_request("ada@example.com");
        told.push(refusal(sign_up_from(&mut users, &address, message).await));
    }
    assert_eq!(told.pop().as_deref(), Some("RATE_LIMITED"));
    assert!(told.iter().all(|reason| reason == "EMAIL_TAKEN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_are_forgotten_once_they_do_not_count() {
    let service = start().await;
    for _ in 0..3 {
        let refused = refusal(log_in(&service, "nobody@example.com", "wrong").await);
        assert_eq!(refused, "BAD_CREDENTIALS");
    }
    let old = "UPDATE tries SET created_at = created_at - interval '2 hours' \
               WHERE id IN (SELECT id FROM tries LIMIT 2)";
    service.execute(old).await;
    assert!(!delete_expired_batch(&service.database()).await.unwrap());
    service.execute("DO $$ BEGIN ASSERT (SELECT count(*) FROM tries) = 1; END $$").await;
}
