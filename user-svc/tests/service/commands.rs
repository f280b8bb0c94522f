//! The commands of the program, run as an operator runs them.

use std::process::Output;

use proto::user::v1::{
    ExchangeClientCredentialsRequest, RefreshSessionRequest, Role, SignUpRequest,
};
use tokio::process::Command;

use crate::harness::{
    PASSWORD, Service, database, login_request, rejection, sign_up_request, start,
};

async fn user_svc(database_url: &str, arguments: &[&str], password: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_user-svc"));
    command.args(arguments).env("DATABASE_URL", database_url).env_remove("ADMIN_PASSWORD");
    if let Some(password) = password {
        command.env("ADMIN_PASSWORD", password);
    }
    command.output().await.unwrap()
}

async fn create_admin(service: &Service, email: &str, password: Option<&str>) -> Output {
    let arguments = ["create-admin", "--email", email, "--display-name", "Grace Hopper"];
    user_svc(&service.database_url, &arguments, password).await
}

async fn role(service: &Service, email: &str) -> Role {
    service.log_in(email).await.user.unwrap().role()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_is_created_once_and_keeps_the_first_password() {
    let service = start().await;
    let output = create_admin(&service, "Grace@example.com", Some(PASSWORD)).await;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(role(&service, "grace@example.com").await, Role::Admin);

    for password in [Some("another password"), Some("short"), None] {
        let output = create_admin(&service, "grace@EXAMPLE.com", password).await;
        assert!(output.status.success(), "{output:?}");
    }
    let login = service.log_in("grace@example.com").await;
    let user = login.user.unwrap();
    assert_eq!((user.email.as_str(), user.role()), ("Grace@example.com", Role::Admin));
    // An admin keeps its sessions, since its role is the same.
    create_admin(&service, "grace@example.com", None).await;
    let request = RefreshSessionRequest { refresh_token: login.refresh_token };
    assert!(service.users().refresh_session(request).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_existing_account_becomes_an_admin_and_has_to_log_in_again() {
    let service = start().await;
    let message =
        SignUpRequest { display_name: "Grace".into(), ..sign_up_request("g@example.com") };
    service.users().sign_up(message).await.unwrap();
    let before = service.log_in("g@example.com").await;
    let output = create_admin(&service, "g@example.com", Some("another password")).await;
    assert!(output.status.success(), "{output:?}");

    assert_eq!(rejection(service.refresh(&before.refresh_token).await), "REFRESH_TOKEN_INVALID");
    let user = service.log_in("g@example.com").await.user.unwrap();
    assert_eq!((user.role(), user.display_name.as_str()), (Role::Admin, "Grace"));
    let other = service.users().login(login_request("g@example.com", "another password")).await;
    assert_eq!(rejection(other), "BAD_CREDENTIALS");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_admin_needs_an_address_a_name_and_a_password() {
    let service = start().await;
    for (email, password, error) in [
        ("nobody", Some(PASSWORD), "--email must be an e-mail address"),
        ("a@example.com", Some("short"), "ADMIN_PASSWORD must have 8 to 128 characters"),
        ("a@example.com", None, "ADMIN_PASSWORD must have 8 to 128 characters"),
        ("a@example.com", Some("Password1"), "ADMIN_PASSWORD must not be one of the most common"),
    ] {
        let output = create_admin(&service, email, password).await;
        let lines = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && lines.contains(error), "{lines}");
        assert_eq!(lines.lines().count(), 1, "{lines}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_created_api_client_gets_a_token() {
    let service = start().await;
    let arguments = ["create-client", "warehouse", "--role", "admin"];
    let output = user_svc(&service.database_url, &arguments, None).await;
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = text.lines().map(|line| line.split_once('=').unwrap()).collect();
    let [("client_id", id), ("client_secret", secret)] = lines[..] else {
        panic!("other lines: {text}");
    };
    let request =
        ExchangeClientCredentialsRequest { client_id: id.into(), client_secret: secret.into() };
    let response = service.users().exchange_client_credentials(request).await.unwrap();
    let claims = service.claims(&response.get_ref().access_token).await.unwrap();
    assert_eq!((claims.name.as_str(), &*claims.role), ("warehouse", "admin"));
    // The database has only its hash.
    let has_hash = format!(
        "DO $$ BEGIN ASSERT (SELECT sha256('{secret}'::bytea) = secret_hash FROM api_clients); \
         END $$"
    );
    service.execute(&has_hash).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_role_is_one_line_and_exit_code_64() {
    let url = database().await;
    let output = user_svc(&url, &["create-client", "x", "--role", "boss"], None).await;
    assert_eq!(output.status.code(), Some(64));
    assert_eq!(String::from_utf8(output.stderr).unwrap().lines().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_migration_changes_nothing() {
    let url = devstack::testing::create_database("user-svc-migrate").await;
    for _ in 0..2 {
        let output = user_svc(&url, &["migrate"], None).await;
        assert!(output.status.success(), "{output:?}");
    }
}
