//! API clients: made, listed, revoked, and what their secrets are exchanged for.

use proto::user::v1::{
    self as pb, CreateApiClientRequest, CreateApiClientResponse, ExchangeClientCredentialsRequest,
    ListApiClientsRequest, ListApiClientsResponse, LogoutRequest, RevokeApiClientRequest,
};
use tests::{issuer::with_token, status::bad_fields};
use tokio::task::JoinSet;
use tonic::Status;
use uuid::Uuid;

use crate::harness::{Service, all_of, api_client, refusal, start};

#[tokio::test(flavor = "multi_thread")]
async fn an_api_client_gets_a_token_in_its_own_name() {
    let service = start().await;
    for (role, claimed) in [(pb::Role::Admin, "admin"), (pb::Role::Customer, "customer")] {
        let request = api_client(&service, role).await;
        let mut users = service.users();
        let response = users.exchange_client_credentials(request.clone()).await.unwrap();
        let response = response.into_inner();
        assert_eq!(response.expires_in, 600);
        let claims = service.claims(&response.access_token).await.unwrap();
        assert_eq!((claims.sub.to_string(), claims.role), (request.client_id, claimed.to_owned()));
        assert_eq!((claims.name.as_str(), claims.email, claims.sid), ("warehouse", None, None));

        assert_eq!(refusal(service.who_am_i(&response.access_token).await), "USER_NOT_FOUND");
        for everywhere in [false, true] {
            let request = with_token(&response.access_token, LogoutRequest { everywhere });
            assert!(service.users().logout(request).await.is_ok());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_client_and_a_wrong_secret_are_told_alike() {
    let service = start().await;
    let right = api_client(&service, pb::Role::Customer).await;
    let mut users = service.users();
    let client_id = Uuid::now_v7().to_string();
    let unknown = ExchangeClientCredentialsRequest { client_id, ..right.clone() };
    let client_secret = "x".repeat(43);
    let wrong = ExchangeClientCredentialsRequest { client_secret, ..right };
    let told = all_of(users.exchange_client_credentials(wrong).await);
    assert_eq!(told.0, tonic::Code::Unauthenticated);
    assert_eq!(told, all_of(users.exchange_client_credentials(unknown).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_bad_fields_are_told_at_once() {
    let service = start().await;
    for secret in [String::new(), "x".repeat(1000)] {
        let request =
            ExchangeClientCredentialsRequest { client_id: "7".into(), client_secret: secret };
        let status = service.users().exchange_client_credentials(request).await.unwrap_err();
        assert_eq!(tests::status::reason(&status), "VALIDATION_FAILED");
        assert_eq!(bad_fields(&status), ["client_id", "client_secret"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_ten_wrong_secrets_even_the_right_one_waits() {
    let service = start().await;
    let right = api_client(&service, pb::Role::Customer).await;
    let other = api_client(&service, pb::Role::Customer).await;
    let wrong = ExchangeClientCredentialsRequest { client_secret: "wrong".into(), ..right.clone() };
    let mut users = service.users();
    for _ in 0..10 {
        let refused = refusal(users.exchange_client_credentials(wrong.clone()).await);
        assert_eq!(refused, "BAD_CREDENTIALS");
    }
    for request in [wrong, right] {
        let refused = refusal(users.exchange_client_credentials(request).await);
        assert_eq!(refused, "RATE_LIMITED");
    }
    assert!(users.exchange_client_credentials(other).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_secrets_at_once_count_as_wrong_secrets_in_turn() {
    let service = start().await;
    let request = ExchangeClientCredentialsRequest {
        client_secret: "wrong".into(),
        ..api_client(&service, pb::Role::Customer).await
    };
    let users = service.users();
    let mut calls = JoinSet::new();
    for _ in 0..60 {
        let (mut users, request) = (users.clone(), request.clone());
        calls.spawn(async move { refusal(users.exchange_client_credentials(request).await) });
    }
    let told = calls.join_all().await;
    let count = |reason: &str| told.iter().filter(|told| *told == reason).count();
    assert_eq!((count("BAD_CREDENTIALS"), count("RATE_LIMITED")), (10, 50));
}

async fn create(
    service: &Service,
    token: &str,
    request: CreateApiClientRequest,
) -> Result<CreateApiClientResponse, Status> {
    Ok(service.users().create_api_client(with_token(token, request)).await?.into_inner())
}

async fn list(
    service: &Service,
    token: &str,
    page_size: i32,
    page_token: &str,
) -> ListApiClientsResponse {
    let request = ListApiClientsRequest { page_size, page_token: page_token.into() };
    let response = service.users().list_api_clients(with_token(token, request)).await;
    response.unwrap().into_inner()
}

async fn revoke(service: &Service, token: &str, client_id: &str) -> Result<(), Status> {
    let request = with_token(token, RevokeApiClientRequest { client_id: client_id.into() });
    service.users().revoke_api_client(request).await.map(drop)
}

async fn exchange(service: &Service, client: &CreateApiClientResponse) -> Result<String, Status> {
    let request = ExchangeClientCredentialsRequest {
        client_id: client.client_id.clone(),
        client_secret: client.client_secret.clone(),
    };
    let response = service.users().exchange_client_credentials(request).await?;
    Ok(response.into_inner().access_token)
}

fn named(name: &str, role: pb::Role) -> CreateApiClientRequest {
    CreateApiClientRequest { name: name.into(), role: role.into(), request_id: String::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_makes_an_api_client_that_works_until_it_is_revoked() {
    let service = start().await;
    let admin = service.admin("grace@example.com").await.access_token;
    let made = create(&service, &admin, named(" warehouse ", pb::Role::Admin)).await.unwrap();
    let client = made.api_client.clone().unwrap();
    assert_eq!((&client.client_id, client.name.as_str()), (&made.client_id, "warehouse"));
    assert_eq!((client.role(), made.client_secret.len()), (pb::Role::Admin, 43));
    let token = exchange(&service, &made).await.unwrap();
    let claims = service.claims(&token).await.unwrap();
    assert_eq!((claims.sub.to_string(), claims.role), (made.client_id.clone(), "admin".to_owned()));

    // As an admin it may do all of this itself.
    assert_eq!(list(&service, &token, 0, "").await.api_clients, [client]);
    revoke(&service, &token, &made.client_id).await.unwrap();
    assert_eq!(list(&service, &admin, 0, "").await.api_clients, []);
    assert_eq!(refusal(exchange(&service, &made).await), "BAD_CREDENTIALS");
    let status = revoke(&service, &admin, &made.client_id).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::NotFound);
    assert_eq!(tests::status::reason(&status), "API_CLIENT_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn api_clients_are_listed_newest_first_a_page_at_a_time() {
    let service = start().await;
    let admin = service.admin("grace@example.com").await.access_token;
    for name in ["a", "b", "c", "d", "e"] {
        // Ids that are derived do not tell the order.
        let request_id = Uuid::new_v4().to_string();
        let request = CreateApiClientRequest { request_id, ..named(name, pb::Role::Customer) };
        create(&service, &admin, request).await.unwrap();
    }
    let (mut names, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = list(&service, &admin, 2, &page_token).await;
        names.push(page.api_clients.into_iter().map(|client| client.name).collect::<String>());
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(names, ["ed", "cb", "a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_comes_again_finds_its_client_and_voids_the_lost_secret() {
    let service = start().await;
    let grace = service.admin("grace@example.com").await.access_token;
    let request_id = Uuid::now_v7().to_string();
    let request = CreateApiClientRequest { request_id, ..named("warehouse", pb::Role::Customer) };
    let first = create(&service, &grace, request.clone()).await.unwrap();
    let again = create(&service, &grace, request.clone()).await.unwrap();
    assert_eq!(first.api_client, again.api_client);
    assert_eq!(refusal(exchange(&service, &first).await), "BAD_CREDENTIALS");
    assert!(exchange(&service, &again).await.is_ok());

    let role = pb::Role::Admin.into();
    for other in [
        CreateApiClientRequest { name: "office".into(), ..request.clone() },
        CreateApiClientRequest { role, ..request.clone() },
    ] {
        let status = create(&service, &grace, other).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        assert_eq!(tests::status::reason(&status), "REQUEST_ID_REUSED");
    }
    assert!(exchange(&service, &again).await.is_ok());
    // Another admin who takes the same id means another client.
    let ruth = service.admin("ruth@example.com").await.access_token;
    let others = create(&service, &ruth, request).await.unwrap();
    assert_ne!(others.client_id, first.client_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_client_needs_a_name_and_a_role() {
    let service = start().await;
    let admin = service.admin("grace@example.com").await.access_token;
    let request = CreateApiClientRequest { request_id: "7".into(), ..Default::default() };
    let status = create(&service, &admin, request).await.unwrap_err();
    assert_eq!(bad_fields(&status), ["name", "role", "request_id"]);
    assert_eq!(bad_fields(&revoke(&service, &admin, "7").await.unwrap_err()), ["client_id"]);
}
