//! Changes of rights: who may make them at this moment, and the last admin.

use proto::user::v1::{
    CreateApiClientRequest, DisableUserRequest, EnableUserRequest,
    ExchangeClientCredentialsRequest, LoginResponse, RevokeApiClientRequest, Role,
    SetUserRoleRequest,
};
use tests::{issuer::with_token, status::reason};
use tonic::Status;

use crate::harness::{Service, rejection, start, start_with};

async fn set_role(service: &Service, token: &str, id: &str, role: Role) -> Result<(), Status> {
    let request = SetUserRoleRequest { user_id: id.into(), role: role.into() };
    service.users().set_user_role(with_token(token, request)).await.map(drop)
}

async fn disable(service: &Service, token: &str, id: &str) -> Result<(), Status> {
    let request = with_token(token, DisableUserRequest { user_id: id.into() });
    service.users().disable_user(request).await.map(drop)
}

async fn enable(service: &Service, token: &str, id: &str) -> Result<(), Status> {
    let request = with_token(token, EnableUserRequest { user_id: id.into() });
    service.users().enable_user(request).await.map(drop)
}

async fn create_client(
    service: &Service,
    token: &str,
) -> Result<ExchangeClientCredentialsRequest, Status> {
    let request = CreateApiClientRequest {
        name: "warehouse".into(),
        role: Role::Admin.into(),
        request_id: String::new(),
    };
    let created = service.users().create_api_client(with_token(token, request)).await?.into_inner();
    let (client_id, client_secret) = (created.client_id, created.client_secret);
    Ok(ExchangeClientCredentialsRequest { client_id, client_secret })
}

async fn revoke_client(service: &Service, token: &str, client_id: &str) -> Result<(), Status> {
    let request = with_token(token, RevokeApiClientRequest { client_id: client_id.into() });
    service.users().revoke_api_client(request).await.map(drop)
}

/// Creates an API client of role admin that no account created, and returns its token.
async fn operators_client(service: &Service, admin: &str) -> String {
    let client = create_client(service, admin).await.unwrap();
    service.execute("UPDATE api_clients SET created_by = NULL").await;
    let exchanged = service.users().exchange_client_credentials(client).await.unwrap();
    exchanged.into_inner().access_token
}

fn id(login: &LoginResponse) -> &str {
    &login.user.as_ref().unwrap().user_id
}

async fn enabled_admins(service: &Service) -> i64 {
    let query = "SELECT count(*) FROM users WHERE role = 'admin' AND disabled_at IS NULL";
    service.count(query).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_no_longer_an_admin_changes_no_rights_with_an_old_token() {
    let service = start().await;
    let grace = service.admin("grace@example.com").await;
    service.sign_up("ada@example.com").await;
    let ada = service.log_in("ada@example.com").await;
    let client = create_client(&service, &grace.access_token).await.unwrap();

    let demoted = service.admin("demoted@example.com").await;
    let disabled = service.admin("disabled@example.com").await;
    let revoked = create_client(&service, &grace.access_token).await.unwrap();
    let revoked_id = revoked.client_id.clone();
    let revoked = service.users().exchange_client_credentials(revoked).await.unwrap();
    let revoked = revoked.into_inner().access_token;
    set_role(&service, &grace.access_token, id(&demoted), Role::Customer).await.unwrap();
    disable(&service, &grace.access_token, id(&disabled)).await.unwrap();
    revoke_client(&service, &grace.access_token, &revoked_id).await.unwrap();

    for (who, token, own) in [
        ("demoted", &demoted.access_token, id(&demoted)),
        ("disabled", &disabled.access_token, id(&disabled)),
        ("revoked", &revoked, id(&ada)),
    ] {
        for rejected in [
            set_role(&service, token, id(&grace), Role::Customer).await,
            set_role(&service, token, id(&ada), Role::Admin).await,
            set_role(&service, token, own, Role::Admin).await,
            disable(&service, token, id(&grace)).await,
            enable(&service, token, id(&disabled)).await,
            create_client(&service, token).await.map(drop),
            revoke_client(&service, token, &client.client_id).await,
        ] {
            assert_eq!(rejection(rejected), "ROLE_REQUIRED", "{who}");
        }
    }
    assert_eq!(enabled_admins(&service).await, 1);
    assert!(service.users().exchange_client_credentials(client).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_admins_who_demote_each_other_at_once_one_stays_an_admin() {
    let service = start_with(&[("admin-token-seconds", "600")]).await;
    let (a, b) = (service.admin("a@example.com").await, service.admin("b@example.com").await);
    for round in 0..50 {
        let (one, two) = tokio::join!(
            set_role(&service, &a.access_token, id(&b), Role::Customer),
            set_role(&service, &b.access_token, id(&a), Role::Customer),
        );
        let rejected = one.err().xor(two.err()).expect("one of them succeeds");
        assert_eq!(reason(&rejected), "ROLE_REQUIRED", "round {round}");
        assert_eq!(enabled_admins(&service).await, 1, "round {round}");
        service.execute("UPDATE users SET role = 'admin'").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_last_admins_whom_api_clients_remove_at_once_one_stays() {
    let service = start_with(&[("admin-token-seconds", "600")]).await;
    let (a, b) = (service.admin("a@example.com").await, service.admin("b@example.com").await);
    let x = operators_client(&service, &a.access_token).await;
    let y = operators_client(&service, &a.access_token).await;
    for round in 0..20 {
        let (one, two) = tokio::join!(
            set_role(&service, &x, id(&a), Role::Customer),
            disable(&service, &y, id(&b)),
        );
        let rejected = one.err().xor(two.err()).expect("one of them succeeds");
        assert_eq!(reason(&rejected), "LAST_ADMIN", "round {round}");
        assert_eq!(enabled_admins(&service).await, 1, "round {round}");
        service.execute("UPDATE users SET role = 'admin', disabled_at = NULL").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_enabled_admin_is_neither_demoted_nor_disabled() {
    let service = start().await;
    let grace = service.admin("grace@example.com").await;
    let client = operators_client(&service, &grace.access_token).await;
    service.sign_up("ada@example.com").await;
    let ada = service.log_in("ada@example.com").await;
    let attempts = async || {
        [
            set_role(&service, &client, id(&grace), Role::Customer).await,
            disable(&service, &client, id(&grace)).await,
        ]
    };
    for rejected in attempts().await {
        let status = rejected.unwrap_err();
        assert_eq!(status.code(), tonic::Code::FailedPrecondition);
        assert_eq!(reason(&status), "LAST_ADMIN");
    }
    // A disabled admin does not count, and a customer may be disabled.
    set_role(&service, &client, id(&ada), Role::Admin).await.unwrap();
    disable(&service, &client, id(&ada)).await.unwrap();
    for rejected in attempts().await {
        assert_eq!(rejection(rejected), "LAST_ADMIN");
    }
    enable(&service, &client, id(&ada)).await.unwrap();
    disable(&service, &client, id(&grace)).await.unwrap();
    assert_eq!(enabled_admins(&service).await, 1);
}
