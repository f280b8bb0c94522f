//! Secrets of people and programs: none is readable in a record of Kafka, in a database or in a log.

use std::fs;

use devstack::{Service, testing::Env};
use mesh_data::kafka::Record;
use proto::user::v1::{
    ChangePasswordRequest, CreateApiClientRequest, ExchangeClientCredentialsRequest, LoginRequest,
    RefreshSessionRequest, RequestEmailVerificationRequest, RequestPasswordResetRequest,
    ResetPasswordRequest, Role, SignUpRequest, VerifyEmailRequest,
};
use setup::certificates::SETUP;
use tests::{
    eventually,
    issuer::with_token,
    mailbox::Mail,
    service::kafka_config,
    store::{Protocol, Store},
    topics::read_all,
};
use tokio::task::spawn_blocking;
use uuid::Uuid;

/// An account whose secrets occur nowhere else.
struct Account {
    email: String,
    secrets: Vec<(&'static str, String)>,
}

fn token(mail: &Mail, page: &str) -> String {
    let begin = format!("/{page}#token=");
    let (_, link) = mail.text.split_once(&begin).expect("the mail has a link");
    link.split_whitespace().next().expect("the link has a token").to_owned()
}

/// Uses every method that receives or returns a secret, once or more.
async fn use_all_secrets(store: &Store) -> Account {
    let unique = || Uuid::now_v7().simple().to_string();
    let (email, mut password) = (format!("canary.{}@example.com", unique()), unique());
    let mut users = store.users();
    let (wrong, changed, reset) = (unique(), unique(), unique());
    let mut secrets = vec![
        ("password", password.clone()),
        ("wrong password", wrong.clone()),
        ("changed password", changed.clone()),
        ("reset password", reset.clone()),
    ];

    let request = SignUpRequest {
        email: email.clone(),
        password: password.clone(),
        display_name: "Canary".into(),
    };
    users.sign_up(request).await.expect("a new address");
    let login = |password: &str| LoginRequest {
        email: email.clone(),
        password: password.to_owned(),
        use_cookie: false,
        ..LoginRequest::default()
    };
    users.login(login(&wrong)).await.expect_err("the password is wrong");
    let session = users.login(login(&password)).await.expect("it is right").into_inner();
    let request = RefreshSessionRequest { refresh_token: session.refresh_token.clone() };
    let next = users.refresh_session(request).await.expect("it is valid").into_inner();
    secrets.push(("refresh token", session.refresh_token));
    secrets.push(("access token", session.access_token));
    secrets.push(("second refresh token", next.refresh_token));
    let request = ChangePasswordRequest {
        current_password: password,
        new_password: changed.clone(),
        ..ChangePasswordRequest::default()
    };
    let request = with_token(&next.access_token, request);
    users.change_password(request).await.expect("it is right");
    secrets.push(("second access token", next.access_token));
    password = changed;
    users.login(login(&password)).await.expect("it is right");

    let admin = store.admin().await;
    let request = CreateApiClientRequest {
        name: "canary".into(),
        role: Role::Customer.into(),
        request_id: String::new(),
    };
    let client = users.create_api_client(admin.request(request)).await.expect("it is valid");
    let client = client.into_inner();
    let (client_id, client_secret) = (client.client_id, client.client_secret);
    secrets.push(("client secret", client_secret.clone()));
    let request = ExchangeClientCredentialsRequest { client_id, client_secret };
    users.exchange_client_credentials(request).await.expect("they are valid");

    secrets.push(("welcome token", token(&store.mail(&email, "Welcome").await, "verify-email")));
    let request = RequestEmailVerificationRequest { email: email.clone() };
    users.request_email_verification(request).await.expect("the method is public");
    let verification = token(&store.mail(&email, "Verify").await, "verify-email");
    secrets.push(("verification token", verification.clone()));
    let request = VerifyEmailRequest { token: verification };
    users.verify_email(request).await.expect("the link is valid");
    let request = RequestPasswordResetRequest { email: email.clone() };
    users.request_password_reset(request).await.expect("the method is public");
    let reset_token = token(&store.mail(&email, "Set a new").await, "reset-password");
    secrets.push(("reset token", reset_token.clone()));
    let request = ResetPasswordRequest { token: reset_token, new_password: reset };
    users.reset_password(request).await.expect("the link is valid");
    Account { email, secrets }
}

/// Returns all records, with the last of the mails that the account gets.
async fn records(store: &Store, account: &Account) -> Vec<Record> {
    // Welcome, password changed, verification, reset, password changed.
    const MAILS: usize = 5;
    eventually("all mails", || async {
        (store.mails(&account.email).await.len() == MAILS).then_some(())
    })
    .await;
    let kafka = kafka_config(SETUP);
    let read = spawn_blocking(move || read_all(&kafka)).await.expect("no panic");
    read.expect("the broker responds")
}

/// Returns where `text` is in the databases, as `database.table`. Values of type `bytea` are searched as
/// well.
async fn tables_with(text: &str) -> Vec<String> {
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut found = Vec::new();
    for service in Service::with_database() {
        let url = Env::from_env().database_url(service);
        let connected = tokio_postgres::connect(&url, tokio_postgres::NoTls).await;
        let (client, connection) = connected.expect("the database responds");
        tokio::spawn(connection);
        let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'";
        for row in client.query(tables, &[]).await.expect("the query is valid") {
            let table: String = row.get(0);
            let search = format!(
                "SELECT count(*) FROM \"{table}\" AS r \
                 WHERE position($1 in r::text) > 0 OR position($2 in r::text) > 0"
            );
            let count = client.query_one(&search, &[&text, &hex]).await;
            let count: i64 = count.unwrap_or_else(|error| panic!("{table}: {error}")).get(0);
            if count > 0 {
                found.push(format!("{}.{table}", service.name()));
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_readable_in_a_record_a_database_or_a_log() {
    let store = Store::shared(Protocol::Grpc);
    let account = use_all_secrets(&store).await;
    let records = records(&store, &account).await;
    let topics_with = |text: &str| {
        let is_in = |bytes: &[u8]| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        let found = records.iter().filter(|record| {
            is_in(&record.payload)
                || is_in(record.key.as_bytes())
                || record.headers.iter().any(|(_, value)| is_in(value.as_bytes()))
        });
        found.map(|record| record.topic.clone()).collect::<Vec<_>>()
    };
    let files = fs::read_dir(Env::from_env().logs_dir()).expect("the store has logs");
    let logs: Vec<_> = files
        .map(|file| file.expect("the folder is readable").path())
        .map(|path| (path.display().to_string(), fs::read(&path).expect("a log is readable")))
        .collect();
    let logs_with = |text: &str| {
        let is_in = |log: &[u8]| log.windows(text.len()).any(|part| part == text.as_bytes());
        logs.iter().filter(|(_, log)| is_in(log)).map(|(path, _)| path).collect::<Vec<_>>()
    };

    // The search finds what is there: as text, as bytes and in a log.
    assert!(topics_with(&account.email).contains(&"user-mail".to_owned()));
    let tables = tables_with(&account.email).await;
    for table in ["user-svc.users", "notify-svc.notifications"] {
        assert!(tables.iter().any(|found| found == table), "{tables:?}");
    }
    for service in Service::all() {
        let log = format!("/{}.log", service.name());
        assert!(logs.iter().any(|(path, text)| path.ends_with(&log) && !text.is_empty()), "{log}");
    }
    let mut leaks = Vec::new();
    for (name, secret) in &account.secrets {
        let (topics, tables) = (topics_with(secret), tables_with(secret).await);
        let logs = logs_with(secret);
        if !(topics.is_empty() && tables.is_empty() && logs.is_empty()) {
            leaks.push(format!("the {name} is in {topics:?}, {tables:?}, {logs:?}"));
        }
    }
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
    let logs = logs_with(&account.email);
    assert!(logs.is_empty(), "an address is in {logs:?}");
}
