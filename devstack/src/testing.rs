//! What a test under `devstack exec` uses: the running store, and databases of its own.

use std::{env, fmt::Display, path::PathBuf};

use tokio_postgres::Client;
use topology::Service;
use uuid::Uuid;

use crate::{postgres, seed::Login};

/// The variable with the URL of the database server for the role that creates databases.
pub(crate) const SERVER_URL: &str = "DEVSTACK_POSTGRES_TEST_URL";

/// The store that `devstack exec` started, read from the environment. A method panics with
/// instructions for running the test where the store does not have the part.
#[derive(Clone, Copy, Debug)]
pub struct Env(());

impl Env {
    /// Returns the store that this test runs in.
    pub fn from_env() -> Self {
        get("DEVSTACK_DIR");
        Self(())
    }

    /// Returns `http://127.0.0.1:PORT` of the gateway.
    pub fn gateway_url(&self) -> String {
        get("GATEWAY_URL")
    }

    /// Returns `http://127.0.0.1:PORT` of the mailbox, the base of its REST API.
    pub fn mailbox_url(&self) -> String {
        get("MAILBOX_URL")
    }

    /// Returns the URL of the mail server.
    pub fn smtp_url(&self) -> String {
        get("SMTP_URL")
    }

    /// Returns the Kafka bootstrap servers, separated by commas.
    pub fn kafka_brokers(&self) -> String {
        get("KAFKA_BROKERS")
    }

    /// Returns the demo's admin account.
    pub fn admin(&self) -> Login {
        Login { email: get("ADMIN_EMAIL"), password: get("ADMIN_PASSWORD") }
    }

    /// Returns the demo's customer account.
    pub fn customer(&self) -> Login {
        Login { email: get("CUSTOMER_EMAIL"), password: get("CUSTOMER_PASSWORD") }
    }

    /// Returns the URL of a running service's database, for its own role.
    pub fn database_url(&self, service: Service) -> String {
        get(&format!("{}_DATABASE_URL", service.prefix()))
    }

    /// Returns `http://127.0.0.1:PORT` of a running service's health and metrics.
    pub fn admin_url(&self, service: Service) -> String {
        get(&format!("{}_ADMIN_URL", service.prefix()))
    }

    /// Returns `https://localhost:PORT` of a running service, without the gateway.
    pub fn service_url(&self, service: Service) -> String {
        get(&format!("{}_SVC_URL", service.prefix()))
    }

    /// Returns the folder of certificates: `ca.pem`, and `NAME.pem` and `NAME-key.pem` of each
    /// service.
    pub fn tls_dir(&self) -> PathBuf {
        get("DEVSTACK_TLS_DIR").into()
    }

    /// Returns the folder of the programs' logs.
    pub fn logs_dir(&self) -> PathBuf {
        PathBuf::from(get("DEVSTACK_DIR")).join("logs")
    }

    /// Returns the folder of the keys that sign access tokens: `KID.pem`.
    pub fn signing_keys_dir(&self) -> PathBuf {
        get("SIGNING_KEYS_DIR").into()
    }
}

fn get(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| {
        panic!(
            "{name} is not set: run this test through `make test`, or \
             `cargo run -p devstack -- exec cargo test …`"
        )
    })
}

/// Creates an empty database and returns its URL. Like a service's database, its owner is a role
/// without special rights. It exists as long as the store.
///
/// # Panics
/// Panics without a store, or when a statement fails.
pub async fn create_database(name_hint: &str) -> String {
    let server = Server::connect().await;
    server.create(&unique(name_hint), "template1").await
}

/// Creates an empty database as [`create_database`] does, whose letters are those of `ctype`.
///
/// # Panics
/// Panics without a store, or when a statement fails.
pub async fn create_database_with_ctype(name_hint: &str, ctype: &str) -> String {
    let server = Server::connect().await;
    let template = format!("template0 LC_CTYPE '{ctype}' LC_COLLATE '{ctype}'");
    server.create(&unique(name_hint), &template).await
}

/// Creates a copy of the database that `migrate` has prepared, and returns its URL. `migrate`
/// receives the URL of an empty database, once for each `name` in the life of the store, however
/// many test programs call this at the same time.
///
/// # Panics
/// Panics without a store, or when a statement or `migrate` fails.
pub async fn template_database<F, E: Display>(
    name: &str,
    migrate: impl FnOnce(String) -> F,
) -> String
where
    F: Future<Output = Result<(), E>>,
{
    let server = Server::connect().await;
    let template = format!("template_{}", identifier(name));
    // Other callers wait until the template is complete.
    server.execute(&format!("SELECT pg_advisory_lock(hashtext('{template}'))")).await;
    if !server.has(&template).await {
        let draft = format!("draft_{template}");
        server.execute(&format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)")).await;
        let url = server.create(&draft, "template1").await;
        if let Err(error) = migrate(url).await {
            panic!("the migrations of {name} fail: {error}");
        }
        server.close(&draft).await;
        server.execute(&format!("ALTER DATABASE {draft} RENAME TO {template}")).await;
    }
    server.execute("SELECT pg_advisory_unlock_all()").await;
    server.create(&unique(name), &template).await
}

/// A connection to the database server as the role of tests.
struct Server {
    url: String,
    client: Client,
}

impl Server {
    async fn connect() -> Self {
        let url = get(SERVER_URL);
        let client =
            postgres::connect(&url).await.expect("the store's PostgreSQL accepts connections");
        Self { url, client }
    }

    async fn execute(&self, statement: &str) {
        if let Err(error) = self.client.batch_execute(statement).await {
            panic!("`{statement}` fails: {error:?}");
        }
    }

    async fn has(&self, database: &str) -> bool {
        let found = "SELECT FROM pg_database WHERE datname = $1";
        self.client
            .query_opt(found, &[&database])
            .await
            .expect("a system catalogue is readable")
            .is_some()
    }

    /// Creates a database and returns its URL.
    async fn create(&self, name: &str, template: &str) -> String {
        self.execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        self.url.replace("/postgres?", &format!("/{name}?"))
    }

    /// Ends all connections to a database and allows no more, so that it can be copied. A worker
    /// of autovacuum stays: only a superuser may end it, and it gives way to the copy by itself.
    async fn close(&self, database: &str) {
        self.execute(&format!("ALTER DATABASE {database} ALLOW_CONNECTIONS false")).await;
        let end = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
            WHERE datname = $1 AND backend_type = 'client backend'";
        self.client.query(end, &[&database]).await.expect("a role may end its own connections");
    }
}

fn unique(hint: &str) -> String {
    // A name may have 63 bytes, and the id needs 33.
    let mut name = identifier(hint);
    name.truncate(30);
    format!("{name}_{}", Uuid::now_v7().simple())
}

/// Turns `text` into a name that needs no quotes.
fn identifier(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    format!("t_{}", text.chars().map(plain).collect::<String>())
}
