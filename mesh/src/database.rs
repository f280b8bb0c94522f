//! The service's own PostgreSQL: a pool whose every wait is bounded, transactions
//! that hand the caller's deadline to the server, and migrations under a lock.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use deadpool::managed::TimeoutType;
use diesel::{ConnectionError, ConnectionResult, QueryResult, sql_types::Text};
use diesel_async::{
    AnsiTransactionManager, AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl,
    SimpleAsyncConnection, TransactionManager,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
        deadpool::{Object, Pool, PoolError},
    },
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use secrecy::ExposeSecret;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{
    admin::Readiness,
    config::DatabaseConfig,
    deadline,
    error::{BoxError, Error, postgres_unavailable},
};

/// A connection of the service's own database.
pub type Connection = AsyncPgConnection;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const POOL_WAIT_MAX: Duration = Duration::from_secs(10);
/// Longest that one statement may take.
const STATEMENT_DURATION_MAX: Duration = Duration::from_secs(30);
/// What a session that stops talking in a transaction may hold up others for.
const IDLE_IN_TRANSACTION_MAX: Duration = Duration::from_secs(30);
/// Any number: all replicas of a service take the same lock to migrate.
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
    /// What calling it gives.
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
    /// A pool that connects when it is asked to.
    ///
    /// # Errors
    /// A URL or certificate file that cannot be used.
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

    /// A connection, for statements that need no transaction.
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

    /// Runs `body` in one transaction. The server itself gives up a statement that
    /// outlives the caller's deadline. Where the result is an error the transaction
    /// did nothing, or, when it was the commit that failed, its outcome is not known.
    ///
    /// # Errors
    /// What `body` tells, or an [`Error`] of the database.
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
        Manager::begin_transaction_sql(connection, &begin).await.map_err(Error::from)?;
        match body(connection).await {
            Ok(value) => {
                Manager::commit_transaction(connection).await.map_err(Error::from)?;
                Ok(value)
            }
            Err(error) => {
                // Where even this fails the pool lets go of the connection.
                let _ = Manager::rollback_transaction(connection).await;
                Err(error)
            }
        }
    }

    /// What a service without its database is: not ready.
    pub fn readiness(&self) -> Readiness {
        let database = self.clone();
        Readiness::new().require("database", move || {
            let database = database.clone();
            async move { database.check().await }
        })
    }

    /// Whether the database answers and has the schema that this program needs. Tells
    /// the pool's connections as metric `database_connections`.
    ///
    /// # Errors
    /// One line that says what is missing.
    pub async fn check(&self) -> Result<(), String> {
        let (open, idle) = self.connections();
        metrics::gauge!("database_connections", "state" => "idle").set(idle as f64);
        metrics::gauge!("database_connections", "state" => "busy").set((open - idle) as f64);
        metrics::gauge!("database_connections_max").set(self.pool.status().max_size as f64);
        let mut connection =
            self.connection().await.map_err(|error| crate::error::chain(&error))?;
        let newest = newest_applied(&mut connection).await.map_err(|e| e.to_string())?;
        if newest.as_str() < &*self.newest_migration {
            return Err(format!("migration {} is missing", self.newest_migration));
        }
        Ok(())
    }

    /// Connections open, and how many of them are idle.
    pub fn connections(&self) -> (usize, usize) {
        let status = self.pool.status();
        (status.size, status.available)
    }
}

/// Brings the schema up. Replicas that do so at once take turns.
///
/// # Errors
/// A database that is not there, or a migration that fails.
pub async fn migrate(
    config: &DatabaseConfig,
    migrations: EmbeddedMigrations,
) -> Result<(), BoxError> {
    let mut connection = Connector::new(config)?.connect().await?;
    // The session ends with this function, and with it the lock.
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

/// Makes connections as the settings say.
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
