//! Devices that logged in before: strangers cannot lock them out.

use proto::user::v1::{ChangePasswordRequest, LoginRequest, LoginResponse};
use tests::issuer::with_token;
use tonic::{Request, Response, Status};
use user_svc::upkeep::delete_expired_batch;

use crate::harness::{PASSWORD, Service, device_cookie, login_request, rejection, start};

const EMAIL: &str = "ada@example.com";

async fn log_in(
    service: &Service,
    password: &str,
    device_token: &str,
) -> Result<LoginResponse, Status> {
    let request =
        LoginRequest { device_token: device_token.into(), ..login_request(EMAIL, password) };
    service.users().login(request).await.map(Response::into_inner)
}

/// Fails to log in as often as the account allows, and once more.
async fn lock_out(service: &Service) {
    for n in 0..11 {
        let reason = rejection(log_in(service, "wrong", "").await);
        assert_eq!(reason, if n < 10 { "BAD_CREDENTIALS" } else { "RATE_LIMITED" });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_device_logs_in_while_a_stranger_fails() {
    let service = start().await;
    service.sign_up(EMAIL).await;
    let device = log_in(&service, PASSWORD, "").await.unwrap().device_token;
    let other_device = log_in(&service, PASSWORD, "").await.unwrap().device_token;
    assert_ne!(device, other_device);
    lock_out(&service).await;
    assert_eq!(rejection(log_in(&service, PASSWORD, "").await), "RATE_LIMITED");
    assert_eq!(rejection(log_in(&service, PASSWORD, &"x".repeat(43)).await), "RATE_LIMITED");
    // It stays known under the same token.
    let login = log_in(&service, PASSWORD, &device).await.unwrap();
    assert_eq!(login.device_token, device);

    // Its failures count by themselves.
    for _ in 0..10 {
        assert_eq!(rejection(log_in(&service, "wrong", &device).await), "BAD_CREDENTIALS");
    }
    assert_eq!(rejection(log_in(&service, PASSWORD, &device).await), "RATE_LIMITED");
    log_in(&service, PASSWORD, &other_device).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_known_to_each_account_that_it_logged_in_to() {
    let service = start().await;
    let log_in = async |email: &str, password: &str, cookie: Option<&str>| {
        let message = LoginRequest { use_cookie: true, ..login_request(email, password) };
        let mut request = Request::new(message);
        if let Some(cookie) = cookie {
            request.metadata_mut().insert("cookie", cookie.parse().unwrap());
        }
        service.users().login(request).await
    };
    let mut cookie: Option<String> = None;
    for email in ["bob@example.com", EMAIL] {
        service.sign_up(email).await;
        let response = log_in(email, PASSWORD, cookie.as_deref()).await.unwrap();
        assert_eq!(response.get_ref().device_token, "");
        cookie = device_cookie(response.metadata());
    }
    let attributes = log_in(EMAIL, PASSWORD, cookie.as_deref()).await.unwrap();
    let attributes =
        attributes.metadata().get_all("set-cookie").iter().next_back().unwrap().clone();
    let (_, attributes) = attributes.to_str().unwrap().split_once(';').unwrap();
    assert_eq!(
        attributes,
        " Path=/shopmesh.user.v1.UserService/; HttpOnly; Secure; SameSite=Strict; Max-Age=34560000"
    );

    for email in ["bob@example.com", EMAIL] {
        for _ in 0..11 {
            log_in(email, "wrong", None).await.unwrap_err();
        }
        assert_eq!(rejection(log_in(email, PASSWORD, None).await), "RATE_LIMITED");
        let response = log_in(email, PASSWORD, cookie.as_deref()).await.unwrap();
        cookie = device_cookie(response.metadata());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_device_changes_the_password_while_a_stranger_fails() {
    let service = start().await;
    service.sign_up(EMAIL).await;
    let login = log_in(&service, PASSWORD, "").await.unwrap();
    lock_out(&service).await;
    let change = async |device_token: &str| {
        let request = ChangePasswordRequest {
            current_password: PASSWORD.into(),
            new_password: "a horse of another colour".into(),
            device_token: device_token.into(),
        };
        service.users().change_password(with_token(&login.access_token, request)).await
    };
    assert_eq!(rejection(change("").await), "RATE_LIMITED");
    change(&login.device_token).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_known_to_its_own_account_only() {
    let service = start().await;
    service.sign_up(EMAIL).await;
    service.sign_up("eve@example.com").await;
    let foreign = service.log_in("eve@example.com").await.device_token;
    lock_out(&service).await;
    assert_eq!(rejection(log_in(&service, PASSWORD, &foreign).await), "RATE_LIMITED");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_a_bounded_number_of_devices_the_unused_go_first() {
    let service = start().await;
    service.sign_up(EMAIL).await;
    let first = log_in(&service, PASSWORD, "").await.unwrap().device_token;
    let more = "INSERT INTO devices \
                SELECT user_id, sha256(i::text::bytea), used_at - i * interval '1 day' \
                FROM devices, generate_series(1, 30) AS i";
    service.execute(more).await;
    log_in(&service, PASSWORD, &first).await.unwrap();
    let must_be = async |expression: &str| {
        service.execute(&format!("DO $$ BEGIN ASSERT (SELECT {expression}); END $$")).await;
    };
    must_be("count(*) = 20 FROM devices").await;
    must_be("max(now() - used_at) BETWEEN '18 days' AND '20 days' FROM devices").await;

    service.execute("UPDATE devices SET used_at = used_at - interval '385 days'").await;
    assert!(!delete_expired_batch(&service.database()).await.unwrap());
    must_be("count(*) = 16 FROM devices").await;
}
