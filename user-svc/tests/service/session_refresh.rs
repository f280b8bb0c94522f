//! RefreshSession: each refresh token is valid for one use, and a reuse revokes its family.

use std::collections::HashSet;

use proto::user::v1::RefreshSessionRequest;
use tests::issuer::with_token;
use user_svc::upkeep::delete_expired_batch;

use crate::harness::{Service, cookie_request, rejection, set_cookie, start};

const INVALID: &str = "REFRESH_TOKEN_INVALID";

async fn start_with_account() -> Service {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    service
}

/// Moves the first uses of tokens back in time.
async fn pass_seconds_since_use(service: &Service, seconds: u32) {
    let sql = format!("UPDATE refresh_tokens SET used_at = used_at - interval '{seconds} seconds'");
    service.execute(&sql).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_use_returns_the_next_token_of_the_family() {
    let service = start_with_account().await;
    let login = service.log_in("ada@example.com").await;
    let session = service.claims(&login.access_token).await.unwrap().sid;
    let mut token = login.refresh_token;
    for _ in 0..3 {
        let request = RefreshSessionRequest { refresh_token: token.clone() };
        let response = service.users().refresh_session(request).await.unwrap();
        assert_eq!(set_cookie(response.metadata()), None);
        let response = response.into_inner();
        assert_ne!(response.refresh_token, token);
        assert_eq!((response.expires_in, &response.user), (600, &login.user));
        let claims = service.claims(&response.access_token).await.unwrap();
        assert_eq!(claims.sid, session);
        token = response.refresh_token;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_returns_current_claims() {
    let service = start_with_account().await;
    let login = service.log_in("ada@example.com").await;
    service.execute("UPDATE users SET role = 'admin', display_name = 'Countess'").await;
    let request = RefreshSessionRequest { refresh_token: login.refresh_token };
    let response = service.users().refresh_session(request).await.unwrap().into_inner();
    let claims = service.claims(&response.access_token).await.unwrap();
    assert_eq!((&*claims.role, claims.name.as_str()), ("admin", "Countess"));
    assert_eq!(response.user.unwrap().display_name, "Countess");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reused_token_revokes_its_session_only() {
    let service = start_with_account().await;
    let login = service.log_in("ada@example.com").await;
    let other = service.log_in("ada@example.com").await;
    let child = service.refresh(&login.refresh_token).await.unwrap();
    assert_eq!(rejection(service.refresh(&login.refresh_token).await), INVALID);
    assert_eq!(rejection(service.refresh(&child).await), INVALID);
    assert!(service.refresh(&other.refresh_token).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_concurrent_refreshes_with_one_token_the_second_revokes_the_session() {
    let service = start_with_account().await;
    for _round in 0..5 {
        let login = service.log_in("ada@example.com").await;
        let token = &login.refresh_token;
        let (one, two) = tokio::join!(service.refresh(token), service.refresh(token));
        let (child, second) = match (one, two) {
            (Ok(child), second) | (second, Ok(child)) => (child, second),
            both => panic!("none succeeded: {both:?}"),
        };
        assert_eq!(rejection(second), INVALID);
        assert_eq!(rejection(service.refresh(&child).await), INVALID);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_refreshes_with_one_cookie_all_succeed() {
    let service = start_with_account().await;
    let (_, token) = service.log_in_with_cookie("ada@example.com").await;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (mut users, request) = (service.users(), cookie_request(&token));
            tokio::spawn(async move { users.refresh_session(request).await })
        })
        .collect();
    let mut children = HashSet::new();
    for task in tasks {
        let response = task.await.unwrap().unwrap();
        children.insert(crate::harness::cookie_token(response.metadata()));
    }
    assert_eq!(children.len(), 8);
    for child in &children {
        assert!(service.refresh_by_cookie(child).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_a_cookie_may_be_reused_for_30_seconds() {
    let service = start_with_account().await;
    let (_, token) = service.log_in_with_cookie("ada@example.com").await;
    let lost = service.refresh_by_cookie(&token).await.unwrap();
    pass_seconds_since_use(&service, 20).await;
    let next = service.refresh_by_cookie(&token).await.unwrap();
    assert_ne!(lost, next);
    // A reuse does not extend the 30 seconds.
    pass_seconds_since_use(&service, 11).await;
    assert_eq!(rejection(service.refresh_by_cookie(&token).await), INVALID);
    assert_eq!(rejection(service.refresh_by_cookie(&next).await), INVALID);
    assert_eq!(rejection(service.refresh_by_cookie(&lost).await), INVALID);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_newest_token_of_a_reused_cookie_stays_valid() {
    let service = start_with_account().await;
    let (login, token) = service.log_in_with_cookie("ada@example.com").await;
    let a = service.refresh_by_cookie(&token).await.unwrap();
    let b = service.refresh_by_cookie(&token).await.unwrap();
    let c = service.refresh_by_cookie(&a).await.expect("it was replaced just now");
    pass_seconds_since_use(&service, 31).await;
    let d = service.refresh_by_cookie(&c).await.expect("it is the newest");
    // Whoever has the other branch reveals that there are two.
    assert_eq!(rejection(service.refresh_by_cookie(&b).await), INVALID);
    assert_eq!(rejection(service.refresh_by_cookie(&d).await), INVALID);
    let revoked = "SELECT count(*) FROM sessions WHERE revoked_at IS NOT NULL";
    assert_eq!(service.count(revoked).await, 1);
    assert!(service.claims(&login.access_token).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_replaced_before_its_first_use_revokes_the_session() {
    let service = start_with_account().await;
    let (_, token) = service.log_in_with_cookie("ada@example.com").await;
    let a = service.refresh_by_cookie(&token).await.unwrap();
    let b = service.refresh_by_cookie(&token).await.unwrap();
    pass_seconds_since_use(&service, 31).await;
    assert_eq!(rejection(service.refresh_by_cookie(&a).await), INVALID);
    assert_eq!(rejection(service.refresh_by_cookie(&b).await), INVALID);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_at_its_age_whatever_is_refreshed() {
    let service = start_with_account().await;
    service.admin("grace@example.com").await;
    let hour = 60 * 60;
    for (email, age) in [("ada@example.com", 90 * 24 * hour), ("grace@example.com", 12 * hour)] {
        let (_, token) = service.log_in_with_cookie(email).await;
        let ages = async |seconds: i64| {
            let sql = format!("UPDATE sessions SET created_at = now() - interval '{seconds} s'");
            service.execute(&sql).await;
        };
        ages(age - hour).await;
        let response = service.users().refresh_session(cookie_request(&token)).await.unwrap();
        let cookie = set_cookie(response.metadata()).unwrap();
        let (_, max_age) = cookie.rsplit_once("Max-Age=").unwrap();
        let max_age: i64 = max_age.parse().unwrap();
        assert!((1..=hour).contains(&max_age), "{email}: {max_age}");

        ages(age + 1).await;
        let token = crate::harness::cookie_token(response.metadata());
        assert_eq!(rejection(service.refresh_by_cookie(&token).await), INVALID, "{email}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_keeps_its_last_20_used_tokens() {
    let service = start_with_account().await;
    let login = service.log_in("ada@example.com").await;
    let fill = "INSERT INTO refresh_tokens (hash, session_id, cookie, expires_at, used_at) \
         SELECT sha256(n::text::bytea), id, false, expires_at, now() - n * interval '1 s' \
         FROM sessions, generate_series(1, 1000) AS n";
    service.execute(fill).await;
    let mut tokens = vec![login.refresh_token];
    for _ in 0..30 {
        tokens.push(service.refresh(tokens.last().unwrap()).await.unwrap());
        assert_eq!(service.count("SELECT count(*) FROM refresh_tokens").await, 21);
    }
    // The reuse of one that is gone reveals nothing, of one that is kept it does.
    let newest = tokens.pop().unwrap();
    assert_eq!(rejection(service.refresh(&tokens[0]).await), INVALID);
    let newest = service.refresh(&newest).await.expect("the session goes on");
    assert_eq!(rejection(service.refresh(&tokens[25]).await), INVALID);
    assert_eq!(rejection(service.refresh(&newest).await), INVALID);
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_delete_expired_sessions_at_once_do_not_disturb_each_other() {
    let service = start_with_account().await;
    for round in 0..5 {
        // The tokens are stored in the reverse order of their sessions.
        let fill = "INSERT INTO sessions (id, user_id, created_at, expires_at) \
             SELECT md5(n::text)::uuid, users.id, now() - interval '2 d', now() - interval '1 d' \
             FROM users, generate_series(1, 2000) AS n ORDER BY n; \
             INSERT INTO refresh_tokens (hash, session_id, cookie, expires_at) \
             SELECT sha256(n::text::bytea), md5(n::text)::uuid, true, now() - interval '1 d' \
             FROM generate_series(1, 2000) AS n ORDER BY n DESC";
        service.execute(fill).await;
        let database = service.database();
        let replica = async || {
            while delete_expired_batch(&database).await.expect("no deadlock") {}
        };
        tokio::join!(replica(), replica(), replica());
        for table in ["sessions", "refresh_tokens"] {
            let left = service.count(&format!("SELECT count(*) FROM {table}")).await;
            assert_eq!(left, 0, "{table}, round {round}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_a_cookie_reused_in_a_message_revokes_the_session() {
    let service = start_with_account().await;
    let (_, token) = service.log_in_with_cookie("ada@example.com").await;
    let child = service.refresh_by_cookie(&token).await.unwrap();
    assert_eq!(rejection(service.refresh(&token).await), INVALID);
    assert_eq!(rejection(service.refresh_by_cookie(&child).await), INVALID);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_a_message_cannot_be_reused_in_a_cookie() {
    let service = start_with_account().await;
    let login = service.log_in("ada@example.com").await;
    let child = service.refresh(&login.refresh_token).await.unwrap();
    assert_eq!(rejection(service.refresh_by_cookie(&login.refresh_token).await), INVALID);
    assert_eq!(rejection(service.refresh(&child).await), INVALID);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_gets_the_next_token_in_its_cookie_only() {
    let service = start_with_account().await;
    let (_, token) = service.log_in_with_cookie("ada@example.com").await;
    let response = service.users().refresh_session(cookie_request(&token)).await.unwrap();
    assert!(set_cookie(response.metadata()).unwrap().contains("; HttpOnly; Secure; "));
    assert_eq!(response.get_ref().refresh_token, "");
    assert_ne!(response.get_ref().access_token, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_token_is_rejected() {
    let service = start_with_account().await;
    for token in ["", "nonsense", &"x".repeat(43)] {
        assert_eq!(rejection(service.refresh(token).await), INVALID, "{token}");
        assert_eq!(rejection(service.refresh_by_cookie(token).await), INVALID, "{token}");
    }
    let long = service.refresh(&"x".repeat(10_000)).await.unwrap_err();
    assert_eq!(tests::status::bad_fields(&long), ["refresh_token"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_expires_and_is_deleted_unless_it_is_refreshed() {
    let service = start_with_account().await;
    let (old, live) =
        (service.log_in("ada@example.com").await, service.log_in("ada@example.com").await);
    let child = service.refresh(&live.refresh_token).await.unwrap();
    let days_pass = async |days: u32| {
        for table in ["sessions", "refresh_tokens"] {
            let sql =
                format!("UPDATE {table} SET expires_at = expires_at - interval '{days} days'");
            service.execute(&sql).await;
        }
    };
    days_pass(20).await;
    let child = service.refresh(&child).await.unwrap();
    days_pass(11).await;
    assert_eq!(rejection(service.refresh(&old.refresh_token).await), INVALID);

    let database = service.database();
    assert!(!delete_expired_batch(&database).await.unwrap());
    let left = "DO $$ BEGIN \
         ASSERT (SELECT count(*) FROM sessions) = 1, 'sessions'; \
         ASSERT (SELECT count(*) FROM refresh_tokens) = 3, 'tokens'; END $$";
    service.execute(left).await;
    assert!(service.refresh(&child).await.is_ok());
    // A logout of a deleted session succeeds.
    let request = with_token(&old.access_token, proto::user::v1::LogoutRequest::default());
    assert!(service.users().logout(request).await.is_ok());
}
