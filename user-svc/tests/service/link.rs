//! Mailed links: RequestPasswordReset, ResetPassword, RequestEmailVerification, VerifyEmail and IssueLink.

use std::collections::HashSet;

use proto::user::v1::{
    ChangePasswordRequest, DisableUserRequest, EnableUserRequest, IssueLinkResponse, LoginRequest,
    MailedLink, RequestEmailVerificationRequest, RequestPasswordResetRequest, ResetPasswordRequest,
    UserMailRequested, VerifyEmailRequest, user_mail_requested::Mail,
};
use tests::issuer::with_token;
use tokio::task::JoinSet;
use tonic::{Request, Status};
use user_svc::upkeep::delete_expired_batch;

use crate::harness::{PASSWORD, Service, login_request, rejection, start_without_broker};

const ADA: &str = "ada@example.com";
const NEW_PASSWORD: &str = "a horse of another colour";

async fn start_with_account() -> Service {
    let service = start_without_broker().await;
    service.sign_up(ADA).await;
    service
}

fn link(mail: &UserMailRequested) -> Option<&MailedLink> {
    match mail.mail.as_ref()? {
        Mail::Welcome(mail) => mail.verification.as_ref(),
        Mail::EmailVerification(mail) => mail.link.as_ref(),
        Mail::PasswordReset(mail) => mail.link.as_ref(),
        Mail::PasswordChanged(_) => None,
    }
}

/// Returns the id of the link of the newest mail.
async fn newest_link(service: &Service) -> String {
    let mails = service.mails().await;
    link(mails.last().unwrap()).expect("it has a link").link_id.clone()
}

/// Returns the token of the newest mail.
async fn newest_token(service: &Service) -> String {
    service.issue_link(&newest_link(service).await).await.expect("the link is valid").token
}

/// Returns how many seconds from now the token of a link expires.
fn seconds_left(issued: &IssueLinkResponse) -> i64 {
    issued.expire_time.unwrap().seconds - chrono::Utc::now().timestamp()
}

async fn request_reset(service: &Service, email: &str) -> Result<(), Status> {
    let request = RequestPasswordResetRequest { email: email.into() };
    service.users().request_password_reset(request).await.map(drop)
}

async fn request_verification(service: &Service, email: &str) -> Result<(), Status> {
    let request = RequestEmailVerificationRequest { email: email.into() };
    service.users().request_email_verification(request).await.map(drop)
}

async fn reset(service: &Service, token: &str, new_password: &str) -> Result<(), Status> {
    let (token, new_password) = (token.to_owned(), new_password.to_owned());
    let request = ResetPasswordRequest { token, new_password };
    service.users().reset_password(request).await.map(drop)
}

async fn verify(service: &Service, token: &str) -> Result<(), Status> {
    let request = VerifyEmailRequest { token: token.into() };
    service.users().verify_email(request).await.map(drop)
}

/// Logs in, and returns whether the address is verified.
async fn log_in(service: &Service, password: &str) -> Result<bool, Status> {
    let response = service.users().login(login_request(ADA, password)).await?;
    Ok(response.into_inner().user.unwrap().email_verified)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_is_replaced_by_a_mailed_link() {
    let service = start_with_account().await;
    let before = service.log_in(ADA).await;
    let device_token = before.device_token.clone();
    let log_in_from_device = async |password: &str| {
        let device_token = device_token.clone();
        let request = LoginRequest { device_token, ..login_request(ADA, password) };
        service.users().login(request).await
    };
    for _ in 0..10 {
        assert_eq!(rejection(log_in(&service, "wrong").await), "BAD_CREDENTIALS");
        assert_eq!(rejection(log_in_from_device("wrong").await), "BAD_CREDENTIALS");
    }
    assert_eq!(rejection(log_in_from_device(PASSWORD).await), "RATE_LIMITED");
    request_reset(&service, "ADA@example.com").await.unwrap();
    let mail = service.mails().await.pop().unwrap();
    assert!(matches!(mail.mail, Some(Mail::PasswordReset(_))), "{mail:?}");
    assert_eq!((mail.email.as_str(), mail.display_name.as_str()), (ADA, "Ada Lovelace"));
    let token = &newest_token(&service).await;
    reset(&service, token, NEW_PASSWORD).await.unwrap();
    assert_eq!(rejection(service.refresh(&before.refresh_token).await), "REFRESH_TOKEN_INVALID");
    // The failed logins are reset, and the link has verified the address.
    assert!(log_in(&service, NEW_PASSWORD).await.unwrap());
    log_in_from_device(NEW_PASSWORD).await.expect("also those of a known device");
    assert_eq!(rejection(log_in(&service, PASSWORD).await), "BAD_CREDENTIALS");
    let mail = service.mails().await.pop().unwrap();
    assert!(matches!(mail.mail, Some(Mail::PasswordChanged(_))), "{mail:?}");
    assert!(mail.email_verified, "{mail:?}");
    assert_eq!(rejection(reset(&service, token, PASSWORD).await), "LINK_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_concurrent_calls_with_one_link_one_sets_the_password() {
    let service = start_with_account().await;
    request_reset(&service, ADA).await.unwrap();
    let token = newest_token(&service).await;
    let mut calls = JoinSet::new();
    for n in 0..6 {
        let (mut users, new_password) = (service.users(), format!("{NEW_PASSWORD} {n}"));
        let request =
            ResetPasswordRequest { token: token.clone(), new_password: new_password.clone() };
        calls.spawn(async move { (new_password, users.reset_password(request).await) });
    }
    let (done, rejected): (Vec<_>, Vec<_>) =
        calls.join_all().await.into_iter().partition(|(_, result)| result.is_ok());
    assert_eq!(done.len(), 1);
    for (_, result) in rejected {
        assert_eq!(rejection(result), "LINK_INVALID");
    }
    log_in(&service, &done[0].0).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_the_welcome_mail_or_of_a_later_one_verifies_the_address() {
    let service = start_with_account().await;
    let welcome = newest_token(&service).await;
    assert!(!log_in(&service, PASSWORD).await.unwrap());
    verify(&service, &welcome).await.unwrap();
    assert!(log_in(&service, PASSWORD).await.unwrap());
    assert_eq!(rejection(verify(&service, &welcome).await), "LINK_INVALID");
    // A verified address gets no further mail.
    request_verification(&service, ADA).await.unwrap();
    assert_eq!(service.mails().await.len(), 1);

    service.execute("UPDATE users SET email_verified = false").await;
    request_verification(&service, ADA).await.unwrap();
    let mail = service.mails().await.pop().unwrap();
    assert!(matches!(mail.mail, Some(Mail::EmailVerification(_))), "{mail:?}");
    verify(&service, &newest_token(&service).await).await.unwrap();
    assert!(log_in(&service, PASSWORD).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_created_when_its_mail_is_composed_and_replaces_the_earlier_one() {
    let service = start_with_account().await;
    for (purpose, seconds) in [("reset_password", 3600), ("verify_email", 86_400)] {
        if purpose == "reset_password" {
            request_reset(&service, ADA).await.unwrap();
        } else {
            request_verification(&service, ADA).await.unwrap();
        }
        let mail = service.mails().await.pop().unwrap();
        let MailedLink { link_id, token, expire_time } = link(&mail).unwrap();
        assert_eq!((token.as_str(), expire_time), ("", &None), "the event has no token");
        let unissued = format!(
            "DO $$ BEGIN ASSERT (SELECT hash IS NULL FROM links WHERE id = '{link_id}'); END $$"
        );
        service.execute(&unissued).await;

        // The mail waited for days.
        service.execute("UPDATE links SET issuable_until = now() + interval '1 day'").await;
        let earlier = service.issue_link(link_id).await.unwrap();
        let issued = service.issue_link(link_id).await.unwrap();
        let left = seconds_left(&issued);
        assert!((seconds - 60..=seconds).contains(&left), "{left}");
        assert_eq!((&*issued.email, &*issued.display_name), (ADA, "Ada Lovelace"));
        assert!(!issued.email_verified);
        assert_eq!(issued.token.len(), 43);
        if purpose == "reset_password" {
            let rejected = reset(&service, &earlier.token, NEW_PASSWORD).await;
            assert_eq!(rejection(rejected), "LINK_INVALID");
            reset(&service, &issued.token, NEW_PASSWORD).await.unwrap();
            service.execute("UPDATE users SET email_verified = false").await;
        } else {
            assert_eq!(rejection(verify(&service, &earlier.token).await), "LINK_INVALID");
            verify(&service, &issued.token).await.unwrap();
        }
        assert_eq!(rejection(service.issue_link(link_id).await), "LINK_INVALID", "it is used");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_an_expired_link_is_created_again_until_the_link_is_too_old() {
    let service = start_with_account().await;
    request_reset(&service, ADA).await.unwrap();
    let link_id = newest_link(&service).await;
    let expired = newest_token(&service).await;
    service
        .execute(
            "UPDATE links SET expires_at = now() - interval '1 day' \
             WHERE purpose = 'reset_password'",
        )
        .await;
    delete_expired_batch(&service.database()).await.unwrap();
    assert_eq!(rejection(reset(&service, &expired, NEW_PASSWORD).await), "LINK_INVALID");
    let issued = service.issue_link(&link_id).await.expect("a mail may be resent");
    service.execute("UPDATE links SET issuable_until = now()").await;
    assert_eq!(rejection(service.issue_link(&link_id).await), "LINK_INVALID");
    reset(&service, &issued.token, NEW_PASSWORD).await.expect("the token has not expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_is_created_for_a_link_that_is_replaced_revoked_or_of_no_use() {
    let service = start_with_account().await;
    let welcome = newest_link(&service).await;
    request_reset(&service, ADA).await.unwrap();
    let replaced = newest_link(&service).await;
    request_reset(&service, ADA).await.unwrap();
    let newest = newest_link(&service).await;
    for id in [&*replaced, "0197d3a0-0000-7000-8000-000000000000"] {
        assert_eq!(rejection(service.issue_link(id).await), "LINK_INVALID", "{id}");
    }
    service.issue_link(&newest).await.unwrap();

    service.execute("UPDATE users SET email_verified = true").await;
    assert_eq!(rejection(service.issue_link(&welcome).await), "LINK_INVALID");
    service.execute("UPDATE users SET disabled_at = now()").await;
    assert_eq!(rejection(service.issue_link(&newest).await), "LINK_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_expired_or_forged_link_is_invalid() {
    let service = start_with_account().await;
    let welcome = newest_token(&service).await;
    request_reset(&service, ADA).await.unwrap();
    let replaced = newest_token(&service).await;
    request_reset(&service, ADA).await.unwrap();
    let newest = newest_token(&service).await;
    let forged = format!("{}A", &newest[..42]);
    for token in [&*replaced, &forged, &welcome, "nonsense", "' OR true --", "🔑"] {
        let status = reset(&service, token, NEW_PASSWORD).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        assert_eq!(tests::status::reason(&status), "LINK_INVALID", "{token}");
    }
    assert_eq!(rejection(verify(&service, &newest).await), "LINK_INVALID", "it resets a password");
    service.execute("UPDATE links SET expires_at = now()").await;
    assert_eq!(rejection(reset(&service, &newest, NEW_PASSWORD).await), "LINK_INVALID");
    assert_eq!(rejection(verify(&service, &welcome).await), "LINK_INVALID");
    assert!(!log_in(&service, PASSWORD).await.expect("nothing was changed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_revoked_when_the_account_is_disabled_or_its_password_changes() {
    let service = start_with_account().await;
    let welcome = newest_token(&service).await;
    let admin = service.admin("grace@example.com").await.access_token;
    let ada = service.log_in(ADA).await;
    let user_id = ada.user.unwrap().user_id;

    request_reset(&service, ADA).await.unwrap();
    let token = newest_token(&service).await;
    let message = ChangePasswordRequest {
        current_password: PASSWORD.into(),
        new_password: NEW_PASSWORD.into(),
        ..ChangePasswordRequest::default()
    };
    let request = with_token(&ada.access_token, message);
    service.users().change_password(request).await.unwrap();
    assert_eq!(rejection(reset(&service, &token, PASSWORD).await), "LINK_INVALID");

    request_reset(&service, ADA).await.unwrap();
    let token = newest_token(&service).await;
    let request = with_token(&admin, DisableUserRequest { user_id: user_id.clone() });
    service.users().disable_user(request).await.unwrap();
    assert_eq!(rejection(reset(&service, &token, PASSWORD).await), "LINK_INVALID");
    let request = with_token(&admin, EnableUserRequest { user_id });
    service.users().enable_user(request).await.unwrap();
    assert_eq!(rejection(reset(&service, &token, PASSWORD).await), "LINK_INVALID");
    assert_eq!(rejection(verify(&service, &welcome).await), "LINK_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_do_not_reveal_whether_an_address_has_an_account() {
    let service = start_with_account().await;
    service.sign_up("bob@example.com").await;
    service.execute("UPDATE users SET disabled_at = now() WHERE email LIKE 'bob%'").await;
    let before = service.mails().await.len();
    for email in ["nobody@example.com", "bob@example.com"] {
        // More often than the limit of an account.
        for _ in 0..6 {
            request_reset(&service, email).await.unwrap();
            request_verification(&service, email).await.unwrap();
        }
    }
    assert_eq!(service.mails().await.len(), before);
    for _ in 0..6 {
        request_reset(&service, ADA).await.unwrap();
        request_verification(&service, ADA).await.unwrap();
    }
    let mails = service.mails().await.split_off(before);
    let count = |wanted: fn(&Mail) -> bool| {
        mails.iter().filter(|mail| mail.mail.as_ref().is_some_and(wanted)).count()
    };
    assert_eq!(count(|mail| matches!(mail, Mail::PasswordReset(_))), 5);
    assert_eq!(count(|mail| matches!(mail, Mail::EmailVerification(_))), 5);
    let ids: HashSet<_> = mails.iter().map(|mail| &link(mail).unwrap().link_id).collect();
    assert_eq!(ids.len(), 10);

    service.execute("UPDATE tries SET created_at = created_at - interval '1 hour'").await;
    request_reset(&service, ADA).await.unwrap();
    reset(&service, &newest_token(&service).await, NEW_PASSWORD).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_requests_at_most_a_hundred_links_an_hour() {
    let service = start_with_account().await;
    let from = |address: &str, email: &str| {
        let mut request = Request::new(RequestPasswordResetRequest { email: email.into() });
        request.metadata_mut().insert("x-forwarded-for", address.parse().unwrap());
        let mut users = service.users();
        async move { users.request_password_reset(request).await }
    };
    let mut results = Vec::new();
    for batch in 0..3 {
        let calls = (0..35).map(|n| from("10.1.2.3", &format!("nobody{batch}.{n}@example.com")));
        results.extend(calls.collect::<JoinSet<_>>().join_all().await);
    }
    let (accepted, rejected): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!((accepted.len(), rejected.len()), (100, 5));
    for result in rejected.into_iter().chain([from("10.1.2.3", ADA).await]) {
        assert_eq!(rejection(result), "RATE_LIMITED");
    }
    assert!(from("10.1.2.4", ADA).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_stored_as_a_hash_and_deleted_when_it_can_be_neither_issued_nor_used() {
    let service = start_with_account().await;
    request_reset(&service, ADA).await.unwrap();
    let token = newest_token(&service).await;
    let sql = format!(
        "DO $$ BEGIN ASSERT (SELECT count(*) FROM links WHERE hash = sha256('{token}')) = 1; \
         ASSERT (SELECT count(*) FROM links) = 2; END $$"
    );
    service.execute(&sql).await;
    service
        .execute(
            "UPDATE links SET issuable_until = now() - interval '1 hour'; \
             UPDATE links SET expires_at = NULL, hash = NULL WHERE purpose = 'verify_email'",
        )
        .await;
    assert!(!delete_expired_batch(&service.database()).await.unwrap());
    service.execute("DO $$ BEGIN ASSERT (SELECT count(*) FROM links) = 1; END $$").await;
    reset(&service, &token, NEW_PASSWORD).await.expect("the other link has not expired");
}
