//! API clients: CreateApiClient, ListApiClients, RevokeApiClient and ExchangeClientCredentials.

use proto::user::v1::{
    CreateApiClientRequest, CreateApiClientResponse, DisableUserRequest,
    ExchangeClientCredentialsRequest, ListApiClientsRequest, ListApiClientsResponse, LogoutRequest,
    RevokeApiClientRequest, Role, SetUserRoleRequest,
};
use tests::issuer::with_token;
use tokio::task::JoinSet;
use tonic::Status;
use uuid::Uuid;

use crate::harness::{Service, from_address, rejection, start, whole_error};

#[tokio::test(flavor = "multi_thread")]
async fn an_api_client_gets_a_token_in_its_own_name() {
    let service = start().await;
    for (role, claimed, expires_in) in
        [(Role::Admin, "admin", 120), (Role::Customer, "customer", 600)]
    {
        let request = service.api_client(role).await;
        let mut users = service.users();
        let response = users.exchange_client_credentials(request.clone()).await.unwrap();
        let response = response.into_inner();
        assert_eq!(response.expires_in, expires_in);
        let claims = service.claims(&response.access_token).await.unwrap();
        assert_eq!((claims.sub.to_string(), claims.role), (request.client_id, claimed.to_owned()));
        assert_eq!((claims.name.as_str(), claims.email, claims.sid), ("warehouse", None, None));

        assert_eq!(rejection(service.who_am_i(&response.access_token).await), "USER_NOT_FOUND");
        for everywhere in [false, true] {
            let request = with_token(&response.access_token, LogoutRequest { everywhere });
            assert!(service.users().logout(request).await.is_ok());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_client_and_a_wrong_secret_get_the_same_error() {
    let service = start().await;
    let right = service.api_client(Role::Customer).await;
    let mut users = service.users();
    let client_id = Uuid::now_v7().to_string();
    let unknown = ExchangeClientCredentialsRequest { client_id, ..right.clone() };
    let client_secret = "x".repeat(43);
    let wrong = ExchangeClientCredentialsRequest { client_secret, ..right };
    let error = whole_error(users.exchange_client_credentials(wrong).await);
    assert_eq!(error.0, tonic::Code::Unauthenticated);
    assert_eq!(error, whole_error(users.exchange_client_credentials(unknown).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_secrets_are_throttled_by_network_and_the_right_one_always_passes() {
    let service = start().await;
    let right = service.api_client(Role::Customer).await;
    let wrong = ExchangeClientCredentialsRequest { client_secret: "wrong".into(), ..right.clone() };
    let users = service.users();
    let mut calls = JoinSet::new();
    for n in 0..120 {
        let mut request = wrong.clone();
        if n % 2 == 0 {
            request.client_id = Uuid::now_v7().to_string();
        }
        let mut users = users.clone();
        calls.spawn(async move { rejection(users.exchange_client_credentials(request).await) });
    }
    let reasons = calls.join_all().await;
    let count = |reason: &str| reasons.iter().filter(|own| *own == reason).count();
    assert_eq!((count("BAD_CREDENTIALS"), count("RATE_LIMITED")), (100, 20));
    // Unknown clients add no rows of their own.
    service.execute("DO $$ BEGIN ASSERT (SELECT count(*) FROM tries) <= 102; END $$").await;

    let mut users = service.users();
    assert!(users.exchange_client_credentials(right).await.is_ok());
    let elsewhere = from_address("10.0.0.1", wrong);
    assert_eq!(rejection(users.exchange_client_credentials(elsewhere).await), "BAD_CREDENTIALS");
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

fn named(name: &str, role: Role) -> CreateApiClientRequest {
    CreateApiClientRequest { name: name.into(), role: role.into(), request_id: String::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_creates_an_api_client_that_works_until_it_is_revoked() {
    let service = start().await;
    let admin = service.admin("grace@example.com").await.access_token;
    let created = create(&service, &admin, named(" warehouse ", Role::Admin)).await.unwrap();
    let client = created.api_client.clone().unwrap();
    assert_eq!((&client.client_id, client.name.as_str()), (&created.client_id, "warehouse"));
    assert_eq!((client.role(), created.client_secret.len()), (Role::Admin, 43));
    let grace = service.claims(&admin).await.unwrap().sub.to_string();
    assert_eq!(client.created_by, grace);
    let token = exchange(&service, &created).await.unwrap();
    let claims = service.claims(&token).await.unwrap();
    assert_eq!(
        (claims.sub.to_string(), claims.role),
        (created.client_id.clone(), "admin".to_owned())
    );

    // With the role of an admin it may call these methods itself.
    assert_eq!(list(&service, &token, 0, "").await.api_clients, [client]);
    revoke(&service, &token, &created.client_id).await.unwrap();
    assert_eq!(list(&service, &admin, 0, "").await.api_clients, []);
    assert_eq!(rejection(exchange(&service, &created).await), "BAD_CREDENTIALS");
    let status = revoke(&service, &admin, &created.client_id).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::NotFound);
    assert_eq!(tests::status::reason(&status), "API_CLIENT_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn api_clients_are_listed_newest_first_in_pages() {
    let service = start().await;
    let admin = service.admin("grace@example.com").await.access_token;
    for name in ["a", "b", "c", "d", "e"] {
        // Derived ids are not in the order of creation.
        let request_id = Uuid::new_v4().to_string();
        let request = CreateApiClientRequest { request_id, ..named(name, Role::Customer) };
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
async fn an_idempotent_replay_returns_the_same_client_and_revokes_the_first_secret() {
    let service = start().await;
    let grace = service.admin("grace@example.com").await.access_token;
    let request_id = Uuid::now_v7().to_string();
    let request = CreateApiClientRequest { request_id, ..named("warehouse", Role::Customer) };
    let first = create(&service, &grace, request.clone()).await.unwrap();
    let replay = create(&service, &grace, request.clone()).await.unwrap();
    assert_eq!(first.api_client, replay.api_client);
    assert_eq!(rejection(exchange(&service, &first).await), "BAD_CREDENTIALS");
    assert!(exchange(&service, &replay).await.is_ok());

    let role = Role::Admin.into();
    for other in [
        CreateApiClientRequest { name: "office".into(), ..request.clone() },
        CreateApiClientRequest { role, ..request.clone() },
    ] {
        let status = create(&service, &grace, other).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        assert_eq!(tests::status::reason(&status), "REQUEST_ID_REUSED");
    }
    assert!(exchange(&service, &replay).await.is_ok());
    // A client from before creators were recorded gets its own by a replay.
    service.execute("UPDATE api_clients SET created_by = NULL").await;
    create(&service, &grace, request.clone()).await.unwrap();
    let creator = service.claims(&grace).await.unwrap().sub.to_string();
    assert_eq!(list(&service, &grace, 0, "").await.api_clients[0].created_by, creator);
    // The same request_id of another admin creates another client.
    let ruth = service.admin("ruth@example.com").await.access_token;
    let foreign = create(&service, &ruth, request).await.unwrap();
    assert_ne!(foreign.client_id, first.client_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_client_is_revoked_with_its_creator() {
    let service = start().await;
    let grace = service.admin("grace@example.com").await.access_token;
    for end in ["demote", "disable", "revoke"] {
        let email = format!("{end}@example.com");
        let ruth = service.admin(&email).await;
        let (token, ruth) = (ruth.access_token, ruth.user.unwrap().user_id);
        let first = create(&service, &token, named("first", Role::Admin)).await.unwrap();
        let first_token = exchange(&service, &first).await.unwrap();
        let second = create(&service, &first_token, named("second", Role::Admin)).await.unwrap();
        assert_eq!(second.api_client.as_ref().unwrap().created_by, first.client_id);
        let second_token = exchange(&service, &second).await.unwrap();
        let third = create(&service, &second_token, named("third", Role::Customer)).await.unwrap();
        let other = create(&service, &grace, named("other", Role::Customer)).await.unwrap();

        let mut users = service.users();
        match end {
            "demote" => {
                let role = Role::Customer.into();
                let request = with_token(&grace, SetUserRoleRequest { user_id: ruth, role });
                users.set_user_role(request).await.map(drop).unwrap();
            }
            "disable" => {
                let request = with_token(&grace, DisableUserRequest { user_id: ruth });
                users.disable_user(request).await.map(drop).unwrap();
            }
            _ => revoke(&service, &grace, &first.client_id).await.unwrap(),
        }
        for client in [first, second, third] {
            assert_eq!(rejection(exchange(&service, &client).await), "BAD_CREDENTIALS", "{end}");
        }
        assert!(exchange(&service, &other).await.is_ok(), "{end}");
        let late = create(&service, &second_token, named("late", Role::Admin)).await;
        assert_eq!(rejection(late), "ROLE_REQUIRED", "{end}");
    }
}
