//! The service's own PostgreSQL database: a pool whose waits are all bounded, transactions that
//! pass the caller's deadline to the server, and migrations under a lock.

mod error;
mod migration;
mod owner;
mod session;
mod wire;

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use deadpool::managed::{Pool, PoolError, TimeoutType};
use diesel::{ConnectionError, ConnectionResult, QueryResult, sql_types::Text};
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, RunQueryDsl, TransactionManager};
use diesel_migrations::EmbeddedMigrations;
use mesh::{BoxError, Error, admin::Readiness, audit, deadline, error::chain};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio::sync::Mutex;
use tokio_postgres::config::{SslMode, SslNegotiation};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::DatabaseConfig;
use session::{Manager, Session};
use wire::{Activity, Observer};

pub(crate) use error::is_transient;
pub use error::{convert_error, postgres_unavailable};
pub use migration::migrate;
pub use session::PooledConnection;

/// A connection of the service's own database.
pub type Connection = AsyncPgConnection;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const POOL_WAIT_MAX: Duration = Duration::from_secs(10);
/// How often the server checks during a statement whether its client is still connected.
const CONNECTION_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// What the server ends by itself.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Longest duration of one statement.
    statement: Duration,
    /// How long an idle session may keep its transaction and locks.
    idle_in_transaction: Duration,
    /// Longest wait for a lock. Zero: as long as the statement may take.
    lock: Duration,
}

const LIMITS: Limits = Limits {
    statement: Duration::from_secs(30),
    idle_in_transaction: Duration::from_secs(30),
    lock: Duration::ZERO,
};

/// Limits of a session that many callers wait for. A session of another replica that holds a lock,
/// frozen in mid-transaction, loses it sooner than these callers give up.
const WRITER_LIMITS: Limits = Limits {
    statement: Duration::from_secs(5),
    idle_in_transaction: Duration::from_secs(3),
    lock: Duration::from_secs(2),
};

/// The service's own database. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    pool: Pool<Manager>,
    /// The name of the pool in metrics.
    pool_name: &'static str,
    connector: Connector,
    /// The session of the readiness check, which never waits for the pool.
    check_session: Arc<Mutex<Option<Session>>>,
    newest_migration: Arc<str>,
}

/// The body of a transaction: an async closure whose future is `Send`.
pub trait Body<'c, T, E>:
    AsyncFnOnce(&'c mut Connection) -> Result<T, E>
    + FnOnce(&'c mut Connection) -> <Self as Body<'c, T, E>>::Future
{
    /// The future that calling it returns.
    type Future: Future<Output = Result<T, E>> + Send;
}

impl<'c, T, E, F, Fut> Body<'c, T, E> for F
where
    F: AsyncFnOnce(&'c mut Connection) -> Result<T, E> + FnOnce(&'c mut Connection) -> Fut,
    Fut: Future<Output = Result<T, E>> + Send,
{
    type Future = Fut;
}

impl Database {
    /// Creates a pool that connects when a connection is needed.
    ///
    /// # Errors
    /// An invalid URL or certificate file.
    pub fn open(
        config: &DatabaseConfig,
        migrations: &EmbeddedMigrations,
    ) -> Result<Self, BoxError> {
        let connector = Connector::new(config, LIMITS)?;
        Ok(Self {
            pool_name: "main",
            pool: create_pool(connector.clone(), config.database_connections_max)?,
            connector,
            check_session: Arc::default(),
            newest_migration: newest(migrations)?.into(),
        })
    }

    /// Returns the same database with one connection of its own, outside of the pool, and with
    /// short timeouts: for a writer that many callers wait for.
    #[must_use]
    pub fn dedicated(&self) -> Self {
        let connector = Connector { limits: WRITER_LIMITS, ..self.connector.clone() };
        Self { connector, ..self.clone() }.separate_pool("writer", 1)
    }

    /// Returns the same database with a pool of its own, `name` in metrics: for work that must not
    /// take the connections of all else.
    ///
    /// # Panics
    /// Never: the runtime of the pool is set.
    #[must_use]
    pub fn separate_pool(&self, name: &'static str, connections_max: usize) -> Self {
        let pool = create_pool(self.connector.clone(), connections_max);
        Self { pool: pool.expect("the runtime is set"), pool_name: name, ..self.clone() }
    }

    /// Returns a connection for statements that need no transaction. The server cancels a statement
    /// soon after the caller's deadline.
    ///
    /// If the connection is dropped while a statement or a transaction is open, it is closed, and
    /// the server ends its work.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Overloaded`] or [`Error::DeadlineExceeded`].
    pub async fn connection(&self) -> Result<PooledConnection, Error> {
        let mut connection = self.acquire().await?;
        connection.limit_statements(deadline::remaining(self.connector.limits.statement));
        Ok(connection)
    }

    async fn acquire(&self) -> Result<PooledConnection, Error> {
        let wait = deadline::remaining(POOL_WAIT_MAX);
        match tokio::time::timeout(wait, self.pool.get()).await {
            Err(_) => Err(Error::DeadlineExceeded),
            Ok(Ok(object)) => Ok(PooledConnection::new(object)),
            Ok(Err(PoolError::Timeout(TimeoutType::Wait))) => Err(Error::Overloaded),
            Ok(Err(error)) => Err(postgres_unavailable(error)),
        }
    }

    /// Runs `body` in one transaction. The server cancels a statement at the caller's deadline.
    /// After an error nothing is written, except that a failed commit leaves the outcome unknown.
    /// Within an audited call `body` states its changes, by [`crate::audit`].
    ///
    /// # Errors
    /// The error of `body`, or an [`Error`] of the database.
    pub async fn transaction<T, E, F>(&self, body: F) -> Result<T, E>
    where
        F: for<'c> Body<'c, T, E>,
        E: From<Error>,
    {
        type Transactions = AnsiTransactionManager;
        let audited = audit::current();
        let mut connection = self.acquire().await?;
        let connection = &mut *connection;
        let time = deadline::remaining(self.connector.limits.statement).as_millis().max(1);
        let begin = format!("BEGIN; SET LOCAL statement_timeout = {time}");
        Transactions::begin_transaction_sql(connection, &begin).await.map_err(convert_error)?;
        audited.iter().for_each(|call| call.begin_transaction());
        let result = body(connection).await.and_then(|value| {
            audited.iter().try_for_each(|call| call.check_transaction())?;
            Ok(value)
        });
        match result {
            Ok(value) => {
                Transactions::commit_transaction(connection).await.map_err(convert_error)?;
                audited.iter().for_each(|call| call.complete_transaction());
                Ok(value)
            }
            Err(error) => {
                // If the rollback fails too, the connection is closed.
                let _ = Transactions::rollback_transaction(connection).await;
                Err(error)
            }
        }
    }

    /// Returns the readiness checks, of which the database is required.
    pub fn readiness(&self) -> Readiness {
        let database = self.clone();
        Readiness::new().require("database", move || {
            let database = database.clone();
            async move { database.check().await }
        })
    }

    /// Checks that the database responds and has the schema of this program, on a connection of its
    /// own: a pool whose connections are all busy is ready. Reports the pool's connections as metric
    /// `database_connections`.
    ///
    /// # Errors
    /// One line that states what is missing.
    pub async fn check(&self) -> Result<(), String> {
        let (open, idle) = self.connections();
        let (pool, max) = (self.pool_name, self.pool.status().max_size);
        for (state, count) in [("idle", idle), ("busy", open - idle)] {
            metrics::gauge!("database_connections", "pool" => pool, "state" => state)
                .set(count as f64);
        }
        metrics::gauge!("database_connections_max", "pool" => pool).set(max as f64);
        let mut kept = self.check_session.lock().await;
        // If the check is cancelled, so is the session.
        let mut session = match kept.take().filter(|session| !session.is_closed()) {
            Some(session) => session,
            None => {
                let connected = self.connector.connect().await;
                connected.map_err(|error| chain(&postgres_unavailable(error)))?
            }
        };
        let newest = newest_applied(&mut session.connection).await.map_err(|e| e.to_string())?;
        *kept = Some(session);
        if newest.as_str() < &*self.newest_migration {
            return Err(format!("migration {} is missing", self.newest_migration));
        }
        Ok(())
    }

    /// Returns the number of open connections, and how many of them are idle.
    pub fn connections(&self) -> (usize, usize) {
        let status = self.pool.status();
        (status.size, status.available)
    }
}

fn create_pool(connector: Connector, size_max: usize) -> Result<Pool<Manager>, BoxError> {
    let pool = Pool::builder(Manager(connector))
        .max_size(size_max)
        .wait_timeout(Some(POOL_WAIT_MAX))
        .create_timeout(Some(CONNECT_TIMEOUT))
        .recycle_timeout(Some(CONNECT_TIMEOUT))
        .runtime(deadpool::Runtime::Tokio1)
        .build()?;
    Ok(pool)
}

fn newest(migrations: &EmbeddedMigrations) -> Result<String, BoxError> {
    use diesel::migration::{Migration, MigrationSource};
    let all: Vec<Box<dyn Migration<diesel::pg::Pg>>> = migrations.migrations()?;
    let versions = all.iter().map(|migration| migration.name().version().to_string());
    Ok(versions.max().unwrap_or_default())
}

async fn newest_applied(connection: &mut Connection) -> QueryResult<String> {
    use diesel::dsl::sql;
    diesel::select(sql::<Text>(
        "(SELECT coalesce(max(version), '') FROM __diesel_schema_migrations)",
    ))
    .get_result(connection)
    .await
}

/// Opens connections with the settings of the service.
#[derive(Clone)]
struct Connector {
    config: tokio_postgres::Config,
    ssl_mode: SslMode,
    tls: MakeRustlsConnect,
    limits: Limits,
}

impl Connector {
    fn new(config: &DatabaseConfig, limits: Limits) -> Result<Self, BoxError> {
        let mut postgres = config.postgres()?;
        let ssl_mode = postgres.get_ssl_mode();
        postgres
            // The observer asks the server for TLS, as `ssl_mode` says.
            .ssl_mode(SslMode::Require)
            .ssl_negotiation(SslNegotiation::Direct)
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_user_timeout(Duration::from_secs(10))
            .keepalives_idle(Duration::from_secs(5))
            .keepalives_interval(Duration::from_secs(2))
            .keepalives_retries(3);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots(config.database_ca_file.as_ref())?)
            .with_no_client_auth();
        Ok(Self { config: postgres, ssl_mode, tls: MakeRustlsConnect::new(tls), limits })
    }

    async fn connect(&self) -> ConnectionResult<Session> {
        let bad = |error: tokio_postgres::Error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            ConnectionError::BadConnection(cause.unwrap_or_else(|| error.to_string()))
        };
        let activity = Arc::<Activity>::default();
        let (tls, mode) = (self.tls.clone(), self.ssl_mode);
        let observer = Observer { tls, mode, activity: activity.clone() };
        let mut config = self.config.clone();
        config.options(self.limits.options());
        let (client, connection) = config.connect(observer).await.map_err(bad)?;
        let connection = Connection::try_from_client_and_connection(client, connection).await?;
        Ok(Session::new(connection, activity, self.limits.statement))
    }
}

impl Limits {
    fn options(self) -> String {
        format!(
            "-c statement_timeout={} -c idle_in_transaction_session_timeout={} -c lock_timeout={} \
             -c client_connection_check_interval={}",
            self.statement.as_millis(),
            self.idle_in_transaction.as_millis(),
            self.lock.as_millis(),
            CONNECTION_CHECK_INTERVAL.as_millis(),
        )
    }
}

fn roots(file: Option<&PathBuf>) -> Result<RootCertStore, BoxError> {
    let mut roots = RootCertStore::empty();
    match file {
        Some(file) => {
            let pem = fs::read(file).map_err(|e| format!("{}: {e}", file.display()))?;
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                roots.add(certificate?)?;
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    Ok(roots)
}
