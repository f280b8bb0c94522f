//! ChangePassword.

use proto::user::v1::{ChangePasswordRequest, user_mail_requested::Mail};
use tests::issuer::with_token;
use tokio::task::JoinSet;
use tonic::Status;

use crate::harness::{PASSWORD, Service, login_request, rejection, start, start_without_broker};

const NEW_PASSWORD: &str = "a horse of another colour";

async fn change(service: &Service, token: &str, current: &str, new: &str) -> Result<(), Status> {
    let request = ChangePasswordRequest {
        current_password: current.into(),
        new_password: new.into(),
        ..ChangePasswordRequest::default()
    };
    service.users().change_password(with_token(token, request)).await.map(drop)
}

async fn log_in(service: &Service, password: &str) -> Result<(), Status> {
    service.users().login(login_request("ada@example.com", password)).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_revokes_all_sessions_except_the_one_that_set_it() {
    let service = start_without_broker().await;
    service.sign_up("ada@example.com").await;
    service.sign_up("bob@example.com").await;
    let bob = service.log_in("bob@example.com").await;
    let (elsewhere, cookie) = service.log_in_with_cookie("ada@example.com").await;
    let here = service.log_in("ada@example.com").await;
    change(&service, &here.access_token, PASSWORD, NEW_PASSWORD).await.unwrap();

    assert_eq!(rejection(service.refresh_by_cookie(&cookie).await), "REFRESH_TOKEN_INVALID");
    assert!(service.refresh(&here.refresh_token).await.is_ok());
    assert!(service.refresh(&bob.refresh_token).await.is_ok());
    assert_eq!(rejection(log_in(&service, PASSWORD).await), "BAD_CREDENTIALS");
    log_in(&service, NEW_PASSWORD).await.unwrap();
    let user = elsewhere.user.unwrap();
    let mail = service.mails().await.pop().unwrap();
    assert_eq!((mail.user_id, mail.email), (user.user_id, user.email));
    assert!(matches!(mail.mail, Some(Mail::PasswordChanged(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_current_password_counts_as_a_failed_login() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    let here = service.log_in("ada@example.com").await;
    for _ in 0..5 {
        let reason = rejection(change(&service, &here.access_token, "wrong", NEW_PASSWORD).await);
        assert_eq!(reason, "BAD_CREDENTIALS");
        assert_eq!(rejection(log_in(&service, "wrong").await), "BAD_CREDENTIALS");
    }
    let reason = rejection(change(&service, &here.access_token, PASSWORD, NEW_PASSWORD).await);
    assert_eq!(reason, "RATE_LIMITED");
    assert_eq!(rejection(log_in(&service, PASSWORD).await), "RATE_LIMITED");
    service.execute("UPDATE tries SET created_at = created_at - interval '15 minutes'").await;
    log_in(&service, PASSWORD).await.expect("the password is unchanged");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_change_after_ten_concurrent_wrong_ones_is_rejected() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    let token = service.log_in("ada@example.com").await.access_token;
    // All calls use one open channel, so they arrive in the order in which they are made.
    let mut users = service.users();
    let request = |current: &str| {
        let message = ChangePasswordRequest {
            current_password: current.into(),
            new_password: NEW_PASSWORD.into(),
            ..ChangePasswordRequest::default()
        };
        with_token(&token, message)
    };
    let mut wrong = JoinSet::new();
    for _ in 0..60 {
        let (mut users, request) = (users.clone(), request("wrong"));
        wrong.spawn(async move { rejection(users.change_password(request).await) });
    }
    // One has ended, so the others are queued before this one.
    wrong.join_next().await.unwrap().unwrap();
    let right = users.change_password(request(PASSWORD)).await;
    assert_eq!(rejection(right), "RATE_LIMITED");
    wrong.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_concurrent_password_changes_one_succeeds() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    let token = service.log_in("ada@example.com").await.access_token;
    let mut calls = JoinSet::new();
    for n in 0..6 {
        let (mut users, new_password) = (service.users(), format!("{NEW_PASSWORD} {n}"));
        let current_password = PASSWORD.to_owned();
        let message = ChangePasswordRequest {
            current_password,
            new_password: new_password.clone(),
            ..ChangePasswordRequest::default()
        };
        let request = with_token(&token, message);
        calls.spawn(async move { (new_password, users.change_password(request).await) });
    }
    let (done, rejected): (Vec<_>, Vec<_>) =
        calls.join_all().await.into_iter().partition(|(_, result)| result.is_ok());
    assert_eq!(done.len(), 1);
    for (_, result) in rejected {
        assert_eq!(rejection(result), "BAD_CREDENTIALS");
    }
    log_in(&service, &done[0].0).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_account_and_an_api_client_cannot_change_a_password() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    let token = service.log_in("ada@example.com").await.access_token;
    let robot = service.client_token().await;
    let reason = rejection(change(&service, &robot, PASSWORD, NEW_PASSWORD).await);
    assert_eq!(reason, "USER_NOT_FOUND");
    service.execute("UPDATE users SET disabled_at = now()").await;
    for (current, want) in [(PASSWORD, "ACCOUNT_DISABLED"), ("wrong", "BAD_CREDENTIALS")] {
        let reason = rejection(change(&service, &token, current, NEW_PASSWORD).await);
        assert_eq!(reason, want);
    }
}
