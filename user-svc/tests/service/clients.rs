//! ExchangeClientCredentials.

use mesh::token::Role;
use proto::user::v1::{ExchangeClientCredentialsRequest, LogoutRequest};
use tests::{issuer::with_token, status::bad_fields};
use tokio::task::JoinSet;
use user_svc::{api_clients::create_client, user};
use uuid::Uuid;

use crate::harness::{Service, all_of, refusal, start};

/// Makes an API client, and what it sends.
async fn client(service: &Service, role: user::Role) -> ExchangeClientCredentialsRequest {
    let database = service.database();
    let (client, secret) = create_client(&database, "warehouse".into(), role).await.unwrap();
    ExchangeClientCredentialsRequest {
        client_id: client.id.to_string(),
        client_secret: secret.expose().to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_client_gets_a_token_in_its_own_name() {
    let service = start().await;
    for (role, claimed) in
        [(user::Role::Admin, Role::Admin), (user::Role::Customer, Role::Customer)]
    {
        let request = client(&service, role).await;
        let mut users = service.users();
        let response = users.exchange_client_credentials(request.clone()).await.unwrap();
        let response = response.into_inner();
        assert_eq!(response.expires_in, 600);
        let claims = service.claims(&response.access_token).await.unwrap();
        assert_eq!((claims.sub.to_string(), claims.role), (request.client_id, claimed));
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
    let right = client(&service, user::Role::Customer).await;
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
    let right = client(&service, user::Role::Customer).await;
    let other = client(&service, user::Role::Customer).await;
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
        ..client(&service, user::Role::Customer).await
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
