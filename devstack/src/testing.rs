//! What a test finds when it runs under `devstack exec`: a running store, and databases of its own.

use std::fmt::Display;
use std::path::PathBuf;

use tokio_postgres::Client;
use topology::Service;
use uuid::Uuid;

use crate::postgres;
use crate::seed::Login;

/// Names the server's own database, as the role that may create others.
pub(crate) const SERVER_URL: &str = "DEVSTACK_POSTGRES_TEST_URL";

/// The store that `devstack exec` started, read from the environment. What a part that is not there
/// would answer panics, with a word on how to run the test.
#[derive(Clone, Copy, Debug)]
pub struct Env(());

impl Env {
    /// The store around this test.
    pub fn from_env() -> Self {
        get("DEVSTACK_DIR");
        Self(())
    }

    /// `http://127.0.0.1:PORT` of the gateway.
    pub fn gateway_url(&self) -> String {
        get("GATEWAY_URL")
    }

    /// `http://127.0.0.1:PORT` of the mailbox; its REST lies under it.
    pub fn mailbox_url(&self) -> String {
        get("MAILBOX_URL")
    }

    /// The mail server.
    pub fn smtp_url(&self) -> String {
        get("SMTP_URL")
    }

    /// The brokers, separated by commas.
    pub fn kafka_brokers(&self) -> String {
        get("KAFKA_BROKERS")
    }

    /// The demo's admin.
    pub fn admin(&self) -> Login {
        Login { email: get("ADMIN_EMAIL"), password: get("ADMIN_PASSWORD") }
    }

    /// The demo's customer.
    pub fn customer(&self) -> Login {
        Login { email: get("CUSTOMER_EMAIL"), password: get("CUSTOMER_PASSWORD") }
    }

    /// The database of a running service, as its own role.
    pub fn database_url(&self, service: Service) -> String {
        get(&format!("{}_DATABASE_URL", service.prefix()))
    }

    /// `http://127.0.0.1:PORT` of a running service's health and metrics.
    pub fn admin_url(&self, service: Service) -> String {
        get(&format!("{}_ADMIN_URL", service.prefix()))
    }

    /// `https://localhost:PORT` of a running service, past the gateway.
    pub fn service_url(&self, service: Service) -> String {
        get(&format!("{}_SVC_URL", service.prefix()))
    }

    /// The folder of certificates: `ca.pem`, and `NAME.pem` and `NAME-key.pem` of each service.
    pub fn tls_dir(&self) -> PathBuf {
        get("DEVSTACK_TLS_DIR").into()
    }

    /// The folder of keys that sign access tokens: `KID.pem`.
    pub fn signing_keys_dir(&self) -> PathBuf {
        get("SIGNING_KEYS_DIR").into()
    }

    /// The server's own database, as the role that may do anything.
    pub fn postgres_admin_url(&self) -> String {
        get("DEVSTACK_POSTGRES_ADMIN_URL")
    }
}

fn get(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!(
            "{name} is not set: run this test through `make test`, or \
             `cargo run -p devstack -- exec cargo test …`"
        )
    })
}

/// Makes an empty database, and returns its address. Its owner is a role without special rights, as a
/// service's is. It goes with the store.
///
/// # Panics
/// Where there is no store, or the server refuses.
pub async fn create_database(name_hint: &str) -> String {
    let server = Server::connect().await;
    server.create(&unique(name_hint), "template1").await
}

/// Makes a database as `migrate` left its template, and returns its address. `migrate` gets the address
/// of an empty database, once for each `name` in the life of the store, however many test programs ask
/// at the same time.
///
/// # Panics
/// Where there is no store, the server refuses, or `migrate` fails.
pub async fn template_database<F, E: Display>(
    name: &str,
    migrate: impl FnOnce(String) -> F,
) -> String
where
    F: Future<Output = Result<(), E>>,
{
    let server = Server::connect().await;
    let template = format!("template_{}", identifier(name));
    // Held until the connection ends: whoever comes meanwhile waits for the template to be whole.
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

/// A connection to the server's own database, as the tester.
struct Server {
    url: String,
    client: Client,
}

impl Server {
    async fn connect() -> Self {
        let url = get(SERVER_URL);
        let client = postgres::connect(&url).await.expect("the store's PostgreSQL answers");
        Self { url, client }
    }

    async fn execute(&self, statement: &str) {
        if let Err(error) = self.client.batch_execute(statement).await {
            panic!("`{statement}` fails: {error:?}");
        }
    }

    async fn has(&self, database: &str) -> bool {
        let found = "SELECT FROM pg_database WHERE datname = $1";
        self.client.query_opt(found, &[&database]).await.expect("a catalogue answers").is_some()
    }

    /// Makes a database, and returns its address.
    async fn create(&self, name: &str, template: &str) -> String {
        self.execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        self.url.replace("/postgres?", &format!("/{name}?"))
    }

    /// Ends all connections to a database and lets in no more, so that it can be copied.
    async fn close(&self, database: &str) {
        self.execute(&format!("ALTER DATABASE {database} ALLOW_CONNECTIONS false")).await;
        let end =
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = $1";
        self.client.query(end, &[&database]).await.expect("a role may end its own connections");
    }
}

fn unique(hint: &str) -> String {
    // A name may have 63 bytes, and the id takes 33.
    let mut name = identifier(hint);
    name.truncate(30);
    format!("{name}_{}", Uuid::now_v7().simple())
}

/// `text` as a name that needs no quotes.
fn identifier(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    format!("t_{}", text.chars().map(plain).collect::<String>())
}
