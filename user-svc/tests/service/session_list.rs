//! ListSessions and RevokeSession.

use proto::user::v1::{
    ListSessionsRequest, ListSessionsResponse, LoginResponse, RevokeSessionRequest, Session,
};
use tests::{issuer::with_token, status::bad_fields};
use tokio::task::JoinSet;
use tonic::{Request, Status};
use uuid::Uuid;

use crate::harness::{PASSWORD, Service, login_request, rejection, start};

async fn page(
    service: &Service,
    token: &str,
    page_size: i32,
    page_token: &str,
) -> Result<ListSessionsResponse, Status> {
    let request = ListSessionsRequest { page_size, page_token: page_token.into() };
    let response = service.users().list_sessions(with_token(token, request)).await?;
    Ok(response.into_inner())
}

async fn all(service: &Service, token: &str) -> Vec<Session> {
    page(service, token, 100, "").await.unwrap().sessions
}

async fn revoke(service: &Service, token: &str, session_id: &str) -> Result<(), Status> {
    let request = with_token(token, RevokeSessionRequest { session_id: session_id.into() });
    service.users().revoke_session(request).await.map(drop)
}

async fn session_id(service: &Service, login: &LoginResponse) -> String {
    service.claims(&login.access_token).await.unwrap().sid.unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_newest_first_in_pages() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    service.sign_up("bob@example.com").await;
    service.log_in("bob@example.com").await;
    let mut logins = Vec::new();
    for _ in 0..5 {
        logins.push(service.log_in("ada@example.com").await);
    }
    let mut ids = Vec::new();
    for login in logins.iter().rev() {
        ids.push(session_id(&service, login).await);
    }
    let token = &logins[1].access_token;
    let (mut shown, mut page_token, mut sizes) = (Vec::new(), String::new(), Vec::new());
    loop {
        let next = page(&service, token, 2, &page_token).await.unwrap();
        sizes.push(next.sessions.len());
        shown.extend(next.sessions);
        page_token = next.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(sizes, [2, 2, 1]);
    assert_eq!(
        shown.iter().map(|session| &session.session_id).collect::<Vec<_>>(),
        ids.iter().collect::<Vec<_>>()
    );
    let current: Vec<_> = shown.iter().map(|session| session.current).collect();
    assert_eq!(current, [false, false, false, true, false]);
    for session in &shown {
        let created = session.create_time.unwrap();
        assert_eq!(session.refresh_time, Some(created));
        assert_eq!(session.expire_time.unwrap().seconds - created.seconds, 30 * 24 * 60 * 60);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_token_is_valid_for_its_own_caller_only() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    service.sign_up("eve@example.com").await;
    service.log_in("ada@example.com").await;
    let ada = service.log_in("ada@example.com").await;
    let eve = service.log_in("eve@example.com").await;
    let next = page(&service, &ada.access_token, 1, "").await.unwrap().next_page_token;
    for (page_size, page_token, bad) in
        [(1, next.as_str(), "page_token"), (1, "nonsense", "page_token"), (-1, "", "page_size")]
    {
        let status = page(&service, &eve.access_token, page_size, page_token).await.unwrap_err();
        assert_eq!(bad_fields(&status), [bad]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_has_the_user_agent_of_its_login_and_the_time_of_its_last_refresh() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    let mut request = Request::new(login_request("ada@example.com", PASSWORD));
    let browser = format!("Netscape/4.0 {}", "x".repeat(300));
    request.metadata_mut().insert("user-agent", browser.parse().unwrap());
    let login = service.users().login(request).await.unwrap().into_inner();
    service.execute("UPDATE sessions SET refreshed_at = refreshed_at - interval '1 day'").await;
    let before = all(&service, &login.access_token).await;
    assert_eq!(before[0].user_agent, browser[..200]);
    let seconds = |time: Option<prost_types::Timestamp>| time.unwrap().seconds;
    assert!(seconds(before[0].refresh_time) < seconds(before[0].create_time));

    service.refresh(&login.refresh_token).await.unwrap();
    let after = all(&service, &login.access_token).await;
    assert!(seconds(after[0].refresh_time) >= seconds(after[0].create_time));
    assert_eq!(after[0].create_time, before[0].create_time);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_ends_one_session_only() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    let lost = service.log_in("ada@example.com").await;
    let here = service.log_in("ada@example.com").await;
    let id = session_id(&service, &lost).await;
    for _twice in 0..2 {
        revoke(&service, &here.access_token, &id).await.expect("an ended session is no error");
    }
    assert_eq!(rejection(service.refresh(&lost.refresh_token).await), "REFRESH_TOKEN_INVALID");
    let left = all(&service, &here.access_token).await;
    assert_eq!((left.len(), left[0].current), (1, true));
    assert!(service.refresh(&here.refresh_token).await.is_ok());

    revoke(&service, &here.access_token, &left[0].session_id)
        .await
        .expect("a caller may revoke its own session");
    assert_eq!(all(&service, &here.access_token).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_of_another_account_is_not_found_and_stays() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    service.sign_up("eve@example.com").await;
    let ada = service.log_in("ada@example.com").await;
    let eve = service.log_in("eve@example.com").await.access_token;
    let robot = service.client_token().await;
    let id = session_id(&service, &ada).await;
    for (token, id) in [(&eve, &id), (&robot, &id), (&eve, &Uuid::now_v7().to_string())] {
        let status = revoke(&service, token, id).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::NotFound);
        assert_eq!(tests::status::reason(&status), "SESSION_NOT_FOUND");
        assert_eq!(tests::status::metadata(&status, "session_id").as_ref(), Some(id));
    }
    let status = revoke(&service, &eve, "7").await.unwrap_err();
    assert_eq!(bad_fields(&status), ["session_id"]);
    assert!(service.refresh(&ada.refresh_token).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_session_is_not_listed() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    let token = service.log_in("ada@example.com").await.access_token;
    assert_eq!(all(&service, &token).await.len(), 1);
    service.execute("UPDATE sessions SET expires_at = now()").await;
    assert_eq!(all(&service, &token).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_at_most_50_active_sessions_and_as_many_that_have_ended() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    service.sign_up("bob@example.com").await;
    let bob = service.log_in("bob@example.com").await;
    let kept = service.log_in("ada@example.com").await;
    // Older than that one, and every second one has ended.
    let fill = "INSERT INTO sessions (id, user_id, created_at, expires_at, revoked_at) \
         SELECT ('00ffffff-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, users.id, now(), \
                now() + interval '1 d', CASE n % 2 WHEN 0 THEN now() END \
         FROM users, generate_series(1, 2000) AS n WHERE email = 'ada@example.com'";
    service.execute(fill).await;
    let mut logins = JoinSet::new();
    for _ in 0..8 {
        let (mut users, request) = (service.users(), login_request("ada@example.com", PASSWORD));
        logins.spawn(async move { users.login(request).await.unwrap().into_inner() });
    }
    let newest = logins.join_all().await;
    let of_ada = "FROM sessions JOIN users ON users.id = user_id WHERE email = 'ada@example.com'";
    let count = async |condition: &str| {
        service.count(&format!("SELECT count(*) {of_ada} AND revoked_at {condition}")).await
    };
    assert_eq!((count("IS NULL").await, count("IS NOT NULL").await), (50, 50));
    for login in newest.iter().chain([&kept, &bob]) {
        assert!(service.refresh(&login.refresh_token).await.is_ok());
    }
    assert_eq!(all(&service, &newest[0].access_token).await.len(), 50);
    // Of the 1000 older active ones, the newest 41 are left.
    let older = "SELECT count(*) FROM sessions WHERE revoked_at IS NULL \
         AND id < ('00ffffff-0000-7000-8000-' || lpad(to_hex(1919), 12, '0'))::uuid";
    assert_eq!(service.count(older).await, 0);
}
