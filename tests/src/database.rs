//! Databases of a test's own, and what only SQL can set up or see.

use devstack::testing::template_database;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::EmbeddedMigrations;
use mesh::BoxError;
use mesh_data::{
    config::DatabaseConfig,
    database::{Database, migrate},
};
use tokio::{runtime::Runtime, task::spawn_blocking};

/// Creates a database with the schema of `migrations`, and returns its URL. `name` identifies the
/// migrations: they run once in the lifetime of the store, and each database is a copy.
///
/// # Panics
/// If no store runs, or a migration fails.
pub async fn create(name: &str, migrations: EmbeddedMigrations) -> String {
    template_database(name, |url| run_migrations(url, migrations)).await
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
