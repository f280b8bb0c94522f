//! Databases of a test's own, and what only SQL can set up or see.

use devstack::testing::{create_database_with_ctype, template_database};
use diesel::sql_types::{BigInt, Text};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::EmbeddedMigrations;
use mesh::BoxError;
use mesh_data::{
    config::DatabaseConfig,
    database::{Database, migrate},
};
use tokio::{runtime::Runtime, task::spawn_blocking};

use crate::eventually;

/// Creates a database with the schema of `migrations`, and returns its URL. `name` identifies the
/// migrations: they run once in the lifetime of the store, and each database is a copy.
///
/// # Panics
/// If no store runs, or a migration fails.
pub async fn create(name: &str, migrations: EmbeddedMigrations) -> String {
    template_database(name, |url| run_migrations(url, migrations)).await
}

/// Creates a database as [`create`] does, whose letters are those of `ctype`, such as `C`: PostgreSQL
/// then knows no letter beyond ASCII.
///
/// # Panics
/// If no store runs, or a migration fails.
pub async fn create_with_ctype(name: &str, migrations: EmbeddedMigrations, ctype: &str) -> String {
    let url = create_database_with_ctype(name, ctype).await;
    run_migrations(url.clone(), migrations).await.expect("the migrations succeed");
    url
}

/// Runs the migrations in a runtime of their own, since they need one with several threads.
async fn run_migrations(url: String, migrations: EmbeddedMigrations) -> Result<(), BoxError> {
    let migrated = spawn_blocking(move || {
        let runtime = Runtime::new()?;
        runtime.block_on(migrate(&config(&url), migrations))
    });
    migrated.await?
}

/// Returns the settings of a database.
pub fn config(url: &str) -> DatabaseConfig {
    DatabaseConfig {
        database_url: url.into(),
        migration_database_url: None,
        database_ca_file: None,
        database_connections_max: 4,
    }
}

/// Executes SQL statements.
///
/// # Panics
/// If the database rejects them.
pub async fn execute(database: &Database, statements: &str) {
    let mut connection = database.connection().await.expect("the database responds");
    connection.batch_execute(statements).await.expect("the statements are valid");
}

/// Returns the number that an SQL expression evaluates to.
///
/// # Panics
/// If the database rejects it.
pub async fn number(database: &Database, expression: &str) -> i64 {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        number: i64,
    }
    let mut connection = database.connection().await.expect("the database responds");
    let row: Row = diesel::sql_query(format!("SELECT ({expression})::bigint AS number"))
        .get_result(&mut connection)
        .await
        .expect("the expression is a number");
    row.number
}

/// Returns the text that an SQL query returns.
///
/// # Panics
/// If the database rejects it, or it returns no row.
pub async fn text(database: &Database, query: &str) -> String {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let mut connection = database.connection().await.expect("the database responds");
    let row: Row = diesel::sql_query(format!("SELECT ({query})::text AS text"))
        .get_result(&mut connection)
        .await
        .expect("the query returns a text");
    row.text
}

/// Ends all other sessions of clients, and waits for it. Only a superuser may end the workers of
/// PostgreSQL itself, such as autovacuum.
///
/// # Panics
/// If the database does not respond, or a session does not end.
pub async fn end_other_sessions(database: &Database) {
    let others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid() \
         AND backend_type = 'client backend'";
    eventually("the other sessions end", async || {
        (number(database, others).await == 0).then_some(())
    })
    .await;
}

/// What all statements since the creation of a database have read and written in its tables, as
/// PostgreSQL counts it. It shows what a statement costs whatever its text and the speed of the
/// machine.
///
/// A session adds to it when it ends, so stop the service before reading.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, diesel::QueryableByName)]
pub struct RowCounts {
    /// Rows read by scans of whole tables.
    #[diesel(sql_type = BigInt)]
    pub scanned: i64,
    /// Rows and index entries read through indexes.
    #[diesel(sql_type = BigInt)]
    pub fetched: i64,
    /// Rows inserted, updated or deleted.
    #[diesel(sql_type = BigInt)]
    pub written: i64,
}

impl RowCounts {
    /// Ends all other sessions, waits for it, and reads the counts of all tables.
    ///
    /// # Panics
    /// If the database does not respond, or a session does not end.
    pub async fn read(database: &Database) -> Self {
        end_other_sessions(database).await;
        let mut connection = database.connection().await.expect("the database responds");
        let counts = "SELECT coalesce(sum(seq_tup_read), 0)::bigint AS scanned, \
             coalesce(sum(idx_tup_fetch), 0)::bigint + (SELECT coalesce(sum(idx_tup_read), 0) \
                 FROM pg_stat_user_indexes)::bigint AS fetched, \
             coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint AS written \
             FROM pg_stat_user_tables";
        let query = diesel::sql_query(counts);
        query.get_result(&mut connection).await.expect("statistics are readable")
    }

    /// Returns what was counted since `before`.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            scanned: self.scanned - before.scanned,
            fetched: self.fetched - before.fetched,
            written: self.written - before.written,
        }
    }
}
