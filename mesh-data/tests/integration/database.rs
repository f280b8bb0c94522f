//! Transactions, deadlines, migrations and readiness.

use std::time::Duration;

use devstack::testing::create_database;
use diesel::sql_types::Text;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use futures::future::join_all;
use mesh::{BoxError, Error, deadline};
use mesh_data::database::{Connection, Database, convert_error, migrate};
use tests::database::{config, number};
use tokio::time::Instant;

use crate::support::{MIGRATIONS, open_database};

/// The migrations of a later version of the program.
const NEXT_MIGRATIONS: EmbeddedMigrations = embed_migrations!("tests/integration/migrations-next");

async fn insert_note(connection: &mut Connection, id: i64) -> Result<(), Error> {
    let insert = format!("INSERT INTO notes (id, body) VALUES ({id}, 'text')");
    connection.batch_execute(&insert).await.map_err(convert_error)
}

async fn setting(database: &Database, name: &str) -> String {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        value: String,
    }
    let row: Result<Row, Error> = database
        .transaction(async |connection| {
            let query = format!("SELECT current_setting('{name}') AS value");
            diesel::sql_query(query).get_result(connection).await.map_err(convert_error)
        })
        .await;
    row.unwrap().value
}

#[tokio::test]
async fn a_transaction_is_committed_after_ok_and_rolled_back_after_an_error() {
    let database = open_database().await;
    let failed: Result<(), Error> = database
        .transaction(async |connection| {
            insert_note(connection, 1).await?;
            Err(Error::Overloaded)
        })
        .await;
    assert!(matches!(failed, Err(Error::Overloaded)));
    assert_eq!(number(&database, "SELECT count(*) FROM notes").await, 0);

    let committed = database.transaction(async |connection| insert_note(connection, 2).await);
    committed.await.unwrap();
    assert_eq!(number(&database, "SELECT sum(id) FROM notes").await, 2);
}

#[tokio::test]
async fn a_failed_statement_leaves_the_connection_usable() {
    let url = tests::database::create("mesh-data", MIGRATIONS).await;
    let config = mesh_data::config::DatabaseConfig { database_connections_max: 1, ..config(&url) };
    let database = Database::open(&config, &MIGRATIONS).unwrap();
    for _ in 0..2 {
        let failed: Result<(), Error> = database
            .transaction(async |connection| {
                connection.batch_execute("SELECT 1 / 0").await.map_err(convert_error)
            })
            .await;
        assert!(matches!(failed, Err(Error::Internal(_))), "{failed:?}");
    }
    database.transaction(async |connection| insert_note(connection, 1).await).await.unwrap();
    assert_eq!(database.connections().0, 1);
}

#[tokio::test]
async fn the_deadline_of_a_call_is_the_statement_timeout_of_its_transaction() {
    let database = open_database().await;
    let deadline = Instant::now() + Duration::from_secs(20);
    let timeout = deadline::scope(deadline, setting(&database, "statement_timeout")).await.unwrap();
    let milliseconds: u64 = timeout.strip_suffix("ms").unwrap().parse().unwrap();
    assert!((10_000..20_000).contains(&milliseconds), "{timeout}");
    assert_eq!(setting(&database, "statement_timeout").await, "30s", "outside of a call");
}

#[tokio::test]
async fn a_statement_that_the_server_cancels_is_deadline_exceeded() {
    let database = open_database().await;
    let cancelled: Result<(), Error> = database
        .transaction(async |connection| {
            let slow = "SET LOCAL statement_timeout = 20; SELECT pg_sleep(60)";
            connection.batch_execute(slow).await.map_err(convert_error)
        })
        .await;
    assert!(matches!(cancelled, Err(Error::DeadlineExceeded)), "{cancelled:?}");
}

#[tokio::test]
async fn a_call_without_a_free_connection_fails_at_its_deadline() {
    let url = tests::database::create("mesh-data", MIGRATIONS).await;
    let config = mesh_data::config::DatabaseConfig { database_connections_max: 1, ..config(&url) };
    let database = Database::open(&config, &MIGRATIONS).unwrap();
    let busy = database.connection().await.unwrap();
    let began = Instant::now();
    let deadline = began + Duration::from_millis(100);
    let waited = deadline::scope(deadline, database.connection()).await.and_then(|it| it);
    assert!(matches!(waited.err(), Some(Error::DeadlineExceeded)));
    assert!(began.elapsed() < Duration::from_secs(5), "not after the wait of the pool");
    drop(busy);
    drop(database.connection().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_migrations_wait_for_each_other() {
    let url = create_database("migrate").await;
    let migrations = (0..4).map(|_| {
        let config = config(&url);
        tokio::spawn(async move { migrate(&config, MIGRATIONS).await })
    });
    for migrated in join_all(migrations).await {
        let migrated: Result<(), BoxError> = migrated.unwrap();
        migrated.unwrap();
    }
    let database = Database::open(&config(&url), &MIGRATIONS).unwrap();
    database.check().await.unwrap();
    let versions = number(&database, "SELECT count(*) FROM __diesel_schema_migrations").await;
    assert_eq!(versions, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_reports_a_missing_migration_until_it_is_applied() {
    let url = tests::database::create("mesh-data", MIGRATIONS).await;
    let database = Database::open(&config(&url), &NEXT_MIGRATIONS).unwrap();
    assert_eq!(database.check().await.unwrap_err(), "migration 20260201000000 is missing");
    assert!(!database.readiness().is_ready().await);

    migrate(&config(&url), NEXT_MIGRATIONS).await.unwrap();
    database.check().await.unwrap();
    assert!(database.readiness().is_ready().await);
    // The previous version of the program runs on during a rollout.
    let previous = Database::open(&config(&url), &MIGRATIONS).unwrap();
    previous.check().await.unwrap();
}

#[tokio::test]
async fn a_database_that_is_down_is_unavailable_and_not_ready() {
    let config = config("postgres://nobody:none@127.0.0.1:1/none?sslmode=disable");
    let database = Database::open(&config, &MIGRATIONS).unwrap();
    let error = database.connection().await.err().unwrap();
    assert!(matches!(error, Error::Unavailable { reason: "POSTGRES_UNAVAILABLE", .. }), "{error}");
    assert!(!database.readiness().is_ready().await);
}
