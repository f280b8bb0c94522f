//! Logout.

use proto::user::v1::LogoutRequest;
use tests::issuer::with_token;

use crate::harness::{rejection, set_cookie, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_ends_one_session_and_deletes_the_cookie() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    let (here, cookie) = service.log_in_with_cookie("ada@example.com").await;
    let elsewhere = service.log_in("ada@example.com").await;

    for _twice in 0..2 {
        let request = with_token(&here.access_token, LogoutRequest { everywhere: false });
        let response = service.users().logout(request).await.unwrap();
        let cleared = set_cookie(response.metadata()).unwrap();
        assert!(cleared.starts_with("refresh_token=;") && cleared.ends_with("; Max-Age=0"));
    }
    assert_eq!(rejection(service.refresh_by_cookie(&cookie).await), "REFRESH_TOKEN_INVALID");
    assert!(service.refresh(&elsewhere.refresh_token).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_everywhere_ends_all_sessions_of_the_account_only() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    service.sign_up("bob@example.com").await;
    let bob = service.log_in("bob@example.com").await;
    let mut logins = Vec::new();
    for _ in 0..3 {
        logins.push(service.log_in("ada@example.com").await);
    }
    let request = with_token(&logins[0].access_token, LogoutRequest { everywhere: true });
    service.users().logout(request).await.unwrap();
    for login in &logins {
        let reason = rejection(service.refresh(&login.refresh_token).await);
        assert_eq!(reason, "REFRESH_TOKEN_INVALID");
    }
    assert!(service.refresh(&bob.refresh_token).await.is_ok());
    assert!(service.refresh(&service.log_in("ada@example.com").await.refresh_token).await.is_ok());
}
