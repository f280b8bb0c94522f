//! Migrations: one replica at a time, while services of the previous version use the schema.

use std::time::Duration;

use diesel::{
    QueryResult, QueryableByName,
    connection::BoxableConnection,
    dsl::sql,
    migration::{self, Migration, MigrationMetadata, MigrationName, MigrationSource},
    pg::Pg,
    sql_types::{Bool, Text},
};
use diesel_async::{AsyncMigrationHarness, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};
use mesh::BoxError;
use tokio::time::sleep;

use super::{Connection, Connector, LIMITS, owner};
use crate::config::DatabaseConfig;

/// An arbitrary number: all replicas of a service take the same lock to migrate.
const MIGRATION_LOCK: i64 = 0x6d69_6772_6174_6531;
/// How often a replica checks whether another one still migrates.
const CHECK_INTERVAL: Duration = Duration::from_millis(200);
/// Longest wait of a migration for the lock of a table: calls that need the table wait behind it.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(2);
/// Most attempts to get a lock, and the time in between, in which the calls go on.
const ATTEMPTS_MAX: u32 = 60;
const ATTEMPT_INTERVAL: Duration = Duration::from_secs(1);
/// The SQLSTATE after [`LOCK_WAIT_MAX`].
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Applies pending migrations as the owner of the schema, and allows the service's role to use it.
/// Concurrent replicas wait for each other.
///
/// # Errors
/// An unavailable database, or a failed migration.
pub async fn migrate(
    config: &DatabaseConfig,
    migrations: EmbeddedMigrations,
) -> Result<(), BoxError> {
    let owner = Connector::new(&config.of_owner(), LIMITS)?;
    let mut connection = owner.connect().await?.connection;
    connection.batch_execute("SET statement_timeout = 0").await?;
    // The lock is released when the session ends with this function.
    while !try_lock(&mut connection).await? {
        sleep(CHECK_INTERVAL).await;
    }
    let service = config.migration_database_url.as_ref().map(|_| config.postgres()).transpose()?;
    if let Some(service) = &service {
        owner::grant_use(&mut connection, service).await?;
    }
    drop_invalid_indexes(&mut connection).await?;
    let mut harness = AsyncMigrationHarness::new(connection);
    let mut attempt = 1;
    loop {
        match run_pending(&mut harness, &migrations) {
            // The type of the error is private, but its text has that of the server.
            Err(error)
                if attempt < ATTEMPTS_MAX && error.to_string().contains(LOCK_NOT_AVAILABLE) =>
            {
                tracing::info!(%error, "a migration waits for a lock");
            }
            result => break result?,
        }
        sleep(ATTEMPT_INTERVAL).await;
        attempt += 1;
    }
    // Again for tables that are new: what the role may not do with them.
    if let Some(service) = &service {
        owner::grant_use(&mut harness.into_inner(), service).await?;
    }
    Ok(())
}

/// Takes the lock of all migrations unless another session has it. A statement that waited for it
/// would have a snapshot, and `CREATE INDEX CONCURRENTLY` of that session waits for all snapshots.
async fn try_lock(connection: &mut Connection) -> QueryResult<bool> {
    let lock = sql::<Bool>(&format!("pg_try_advisory_lock({MIGRATION_LOCK})"));
    diesel::select(lock).get_result(connection).await
}

/// Drops what an interrupted `CREATE INDEX CONCURRENTLY` leaves: an index that is written but never
/// read, and that `IF NOT EXISTS` takes for the complete one.
async fn drop_invalid_indexes(connection: &mut Connection) -> QueryResult<()> {
    #[derive(QueryableByName)]
    struct Index {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let invalid = "SELECT indexrelid::regclass::text AS name FROM pg_index \
         JOIN pg_class ON pg_class.oid = indexrelid \
         WHERE NOT indisvalid AND relnamespace = 'public'::regnamespace AND NOT EXISTS ( \
             SELECT FROM pg_stat_progress_create_index AS building \
             WHERE building.relid = indrelid AND datname = current_database())";
    let invalid: Vec<Index> = diesel::sql_query(invalid).get_results(connection).await?;
    for Index { name } in invalid {
        connection.batch_execute(&format!("DROP INDEX CONCURRENTLY IF EXISTS {name}")).await?;
    }
    Ok(())
}

fn run_pending(
    harness: &mut AsyncMigrationHarness<Connection>,
    migrations: &EmbeddedMigrations,
) -> Result<(), BoxError> {
    for version in harness.run_pending_migrations(BoundedMigrations(migrations))? {
        tracing::info!(%version, "migrated");
    }
    Ok(())
}

/// Migrations, each as a [`BoundedMigration`].
struct BoundedMigrations<'a>(&'a EmbeddedMigrations);

impl MigrationSource<Pg> for BoundedMigrations<'_> {
    fn migrations(&self) -> migration::Result<Vec<Box<dyn Migration<Pg>>>> {
        let all: Vec<Box<dyn Migration<Pg>>> = self.0.migrations()?;
        let bound = |migration| Box::new(BoundedMigration(migration)) as Box<dyn Migration<Pg>>;
        Ok(all.into_iter().map(bound).collect())
    }
}

/// A migration whose transaction waits for a lock only up to [`LOCK_WAIT_MAX`]. One without a
/// transaction takes no lock that others wait behind, but waits for all older transactions.
struct BoundedMigration(Box<dyn Migration<Pg>>);

impl Migration<Pg> for BoundedMigration {
    fn run(&self, connection: &mut dyn BoxableConnection<Pg>) -> migration::Result<()> {
        if self.metadata().run_in_transaction() {
            let milliseconds = LOCK_WAIT_MAX.as_millis();
            connection.batch_execute(&format!("SET LOCAL lock_timeout = {milliseconds}"))?;
        }
        self.0.run(connection)
    }

    fn revert(&self, connection: &mut dyn BoxableConnection<Pg>) -> migration::Result<()> {
        self.0.revert(connection)
    }

    fn metadata(&self) -> &dyn MigrationMetadata {
        self.0.metadata()
    }

    fn name(&self) -> &dyn MigrationName {
        self.0.name()
    }
}
