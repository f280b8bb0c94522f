//! The service's own PostgreSQL database: a pool whose waits are all bounded, transactions that
//! pass the caller's deadline to the server, migrations under a lock, and error conversion.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use deadpool::managed::TimeoutType;
use diesel::{
    ConnectionError, ConnectionResult, QueryResult,
    result::{DatabaseErrorKind, Error as DieselError},
    sql_types::Text,
};
use diesel_async::{
    AnsiTransactionManager, AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl,
    SimpleAsyncConnection, TransactionManager,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
        deadpool::{Object, Pool, PoolError},
    },
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};
use mesh::{BoxError, Error, admin::Readiness, deadline, error};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use secrecy::ExposeSecret;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::DatabaseConfig;

/// A connection of the service's own database.
pub type Connection = AsyncPgConnection;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const POOL_WAIT_MAX: Duration = Duration::from_secs(10);
/// Longest duration of one statement.
const STATEMENT_DURATION_MAX: Duration = Duration::from_secs(30);
/// How long an idle session may keep its transaction and locks.
const IDLE_IN_TRANSACTION_MAX: Duration = Duration::from_secs(30);
/// An arbitrary number: all replicas of a service take the same lock to migrate.
const MIGRATION_LOCK: i64 = 0x6d69_6772_6174_6531;

/// The service's own database. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    pool: Pool<Connection>,
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
        let connector = Connector::new(config)?;
        let mut manager = ManagerConfig::<Connection>::default();
        manager.recycling_method = RecyclingMethod::Fast;
        manager.custom_setup = Box::new(move |_| {
            let connector = connector.clone();
            Box::pin(async move { connector.connect().await })
        });
        let manager = AsyncDieselConnectionManager::new_with_config("", manager);
        let pool = Pool::builder(manager)
            .max_size(config.database_connections_max)
            .wait_timeout(Some(POOL_WAIT_MAX))
            .create_timeout(Some(CONNECT_TIMEOUT))
            .recycle_timeout(Some(CONNECT_TIMEOUT))
            .runtime(deadpool::Runtime::Tokio1)
            .build()?;
        Ok(Self { pool, newest_migration: newest(migrations)?.into() })
    }

    /// Returns a connection for statements that need no transaction.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Overloaded`] or [`Error::DeadlineExceeded`].
    pub async fn connection(&self) -> Result<Object<Connection>, Error> {
        let wait = deadline::remaining(POOL_WAIT_MAX);
        match tokio::time::timeout(wait, self.pool.get()).await {
            Err(_) => Err(Error::DeadlineExceeded),
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(PoolError::Timeout(TimeoutType::Wait))) => Err(Error::Overloaded),
            Ok(Err(error)) => Err(postgres_unavailable(error)),
        }
    }

    /// Runs `body` in one transaction. The server cancels a statement at the caller's deadline.
    /// After an error nothing is written, except that a failed commit leaves the outcome unknown.
    ///
    /// # Errors
    /// The error of `body`, or an [`Error`] of the database.
    pub async fn transaction<T, E, F>(&self, body: F) -> Result<T, E>
    where
        F: for<'c> Body<'c, T, E>,
        E: From<Error>,
    {
        type Manager = AnsiTransactionManager;
        let mut connection = self.connection().await?;
        let connection = &mut *connection;
        let time = deadline::remaining(STATEMENT_DURATION_MAX).as_millis().max(1);
        let begin = format!("BEGIN; SET LOCAL statement_timeout = {time}");
        Manager::begin_transaction_sql(connection, &begin).await.map_err(convert_error)?;
        match body(connection).await {
            Ok(value) => {
                Manager::commit_transaction(connection).await.map_err(convert_error)?;
                Ok(value)
            }
            Err(error) => {
                // If the rollback fails too, the pool discards the connection.
                let _ = Manager::rollback_transaction(connection).await;
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

    /// Checks that the database responds and has the schema of this program. Reports the pool's
    /// connections as metric `database_connections`.
    ///
    /// # Errors
    /// One line that states what is missing.
    pub async fn check(&self) -> Result<(), String> {
        let (open, idle) = self.connections();
        metrics::gauge!("database_connections", "state" => "idle").set(idle as f64);
        metrics::gauge!("database_connections", "state" => "busy").set((open - idle) as f64);
        metrics::gauge!("database_connections_max").set(self.pool.status().max_size as f64);
        let mut connection = self.connection().await.map_err(|error| error::chain(&error))?;
        let newest = newest_applied(&mut connection).await.map_err(|e| e.to_string())?;
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

/// Applies pending migrations. Concurrent replicas wait for each other.
///
/// # Errors
/// An unavailable database, or a failed migration.
pub async fn migrate(
    config: &DatabaseConfig,
    migrations: EmbeddedMigrations,
) -> Result<(), BoxError> {
    let mut connection = Connector::new(config)?.connect().await?;
    // The lock is released when the session ends with this function.
    connection
        .batch_execute(&format!(
            "SET statement_timeout = 0; SELECT pg_advisory_lock({MIGRATION_LOCK})"
        ))
        .await?;
    let mut harness = AsyncMigrationHarness::new(connection);
    for version in harness.run_pending_migrations(migrations)? {
        tracing::info!(%version, "migrated");
    }
    Ok(())
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
    tls: MakeRustlsConnect,
}

impl Connector {
    fn new(config: &DatabaseConfig) -> Result<Self, BoxError> {
        let mut postgres: tokio_postgres::Config = config
            .database_url
            .expose_secret()
            .parse()
            .map_err(|error| format!("DATABASE_URL: {error}"))?;
        let options = format!(
            "-c statement_timeout={} -c idle_in_transaction_session_timeout={}",
            STATEMENT_DURATION_MAX.as_millis(),
            IDLE_IN_TRANSACTION_MAX.as_millis(),
        );
        postgres
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_user_timeout(Duration::from_secs(10))
            .keepalives_idle(Duration::from_secs(10))
            .options(options);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots(config.database_ca_file.as_ref())?)
            .with_no_client_auth();
        Ok(Self { config: postgres, tls: MakeRustlsConnect::new(tls) })
    }

    async fn connect(&self) -> ConnectionResult<Connection> {
        let bad = |error: tokio_postgres::Error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            ConnectionError::BadConnection(cause.unwrap_or_else(|| error.to_string()))
        };
        let (client, connection) = self.config.connect(self.tls.clone()).await.map_err(bad)?;
        Connection::try_from_client_and_connection(client, connection).await
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

const POSTGRES_UNAVAILABLE: &str = "POSTGRES_UNAVAILABLE";

/// Wraps an error whose cause is that the database is unavailable.
pub fn postgres_unavailable(source: impl Into<BoxError>) -> Error {
    Error::Unavailable { reason: POSTGRES_UNAVAILABLE, source: source.into() }
}

/// Converts an error of any statement. The `db` module of a service converts violations of its
/// constraints before.
///
/// Timeouts and shutdown are recognised by the server's text, since diesel does not pass on the
/// SQLSTATE.
pub fn convert_error(error: DieselError) -> Error {
    let timed_out = |text: &str| text.contains("canceling statement due to");
    let shutting_down = |text: &str| {
        text.contains("terminating connection")
            || text.contains("the database system is")
            || text.contains("cannot execute") && text.contains("read-only transaction")
    };
    match &error {
        DieselError::DatabaseError(
            DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::ReadOnlyTransaction,
            _,
        )
        | DieselError::BrokenTransactionManager => postgres_unavailable(error),
        DieselError::DatabaseError(_, information) if timed_out(information.message()) => {
            Error::DeadlineExceeded
        }
        DieselError::DatabaseError(_, information) if shutting_down(information.message()) => {
            postgres_unavailable(error)
        }
        _ => Error::internal(error),
    }
}

/// Implements the conversions of a service's error enum, which has a variant `Mesh(mesh::Error)`
/// and implements `mesh::error::ServiceError`: from an error of the database, and to a gRPC status.
#[macro_export]
macro_rules! convert_errors {
    ($error:ty) => {
        impl ::std::convert::From<::diesel::result::Error> for $error {
            fn from(error: ::diesel::result::Error) -> Self {
                Self::Mesh($crate::database::convert_error(error))
            }
        }

        impl ::std::convert::From<$error> for ::tonic::Status {
            fn from(error: $error) -> Self {
                ::mesh::error::status(&error)
            }
        }
    };
}
