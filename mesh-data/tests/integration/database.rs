//! Transactions, deadlines, migrations and readiness.

use std::time::Duration;

use devstack::testing::create_database;
use diesel::sql_types::Text;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use futures::future::join_all;
use mesh::{BoxError, Error, deadline};
use mesh_data::database::{Connection, Database, convert_error, migrate};
use tests::{
    database::{config, number},
    eventually,
};
use tokio::time::Instant;

use crate::support::{MIGRATIONS, open_database};

/// The migrations of a later version of the program.
const NEXT_MIGRATIONS: EmbeddedMigrations = embed_migrations!("tests/integration/migrations-next");
/// The migrations of a version that builds an index outside of a transaction.
const INDEX_MIGRATIONS: EmbeddedMigrations =
    embed_migrations!("tests/integration/migrations-index");

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
async fn a_dedicated_connection_has_time_limits_of_its_own() {
    let database = open_database().await;
    let dedicated = database.dedicated();
    for (name, shared, own) in [
        ("lock_timeout", "0", "2s"),
        ("idle_in_transaction_session_timeout", "30s", "3s"),
        ("statement_timeout", "30s", "5s"),
    ] {
        let found = (setting(&database, name).await, setting(&dedicated, name).await);
        assert_eq!(found, (shared.to_owned(), own.to_owned()), "{name}");
    }
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
        tokio::spawn(async move {
            migrate(&config, MIGRATIONS).await?;
            migrate(&config, INDEX_MIGRATIONS).await
        })
    });
    for migrated in join_all(migrations).await {
        let migrated: Result<(), BoxError> = migrated.unwrap();
        migrated.unwrap();
    }
    let database = Database::open(&config(&url), &MIGRATIONS).unwrap();
    database.check().await.unwrap();
    let versions = number(&database, "SELECT count(*) FROM __diesel_schema_migrations").await;
    assert_eq!(versions, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_go_on_while_a_migration_waits_for_a_lock() {
    let url = tests::database::create("mesh-data", MIGRATIONS).await;
    let database = Database::open(&config(&url), &MIGRATIONS).unwrap();
    let mut reader = database.connection().await.unwrap();
    reader.batch_execute("BEGIN; SELECT FROM notes").await.unwrap();
    let migrated = tokio::spawn(async move { migrate(&config(&url), NEXT_MIGRATIONS).await });
    eventually("the migration waits for the reader", async || {
        (sessions(&database, "wait_event_type = 'Lock'").await == 1).then_some(())
    })
    .await;
    // It waits behind the migration, which leaves sooner than the server ends the idle reader.
    database.transaction(async |connection| insert_note(connection, 1).await).await.unwrap();
    reader.batch_execute("COMMIT").await.unwrap();
    migrated.await.unwrap().unwrap();
    assert_eq!(number(&database, "SELECT count(edited_by) FROM notes").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_an_interrupted_migration_left_is_built_again() {
    let url = tests::database::create("mesh-data", MIGRATIONS).await;
    let database = Database::open(&config(&url), &MIGRATIONS).unwrap();
    for id in [1, 2] {
        database.transaction(async |connection| insert_note(connection, id).await).await.unwrap();
    }
    let interrupted = "CREATE UNIQUE INDEX CONCURRENTLY notes_by_body ON notes (body)";
    let mut connection = database.connection().await.unwrap();
    connection.batch_execute(interrupted).await.expect_err("two notes have one body");
    let index = "SELECT count(*) FROM pg_index \
                 WHERE indexrelid = 'notes_by_body'::regclass AND NOT indisunique AND indisvalid";
    assert_eq!(number(&database, index).await, 0);
    migrate(&config(&url), INDEX_MIGRATIONS).await.unwrap();
    assert_eq!(number(&database, index).await, 1);
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

/// Returns how many other sessions of the database fulfil a condition.
async fn sessions(database: &Database, condition: &str) -> i64 {
    let count = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
         AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND ({condition})"
    );
    number(database, &count).await
}

async fn await_no_session(database: &Database, condition: &str) {
    eventually(&format!("no session with {condition}"), async || {
        (sessions(database, condition).await == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_statement_whose_caller_left_ends_and_its_connection_is_not_reused() {
    let database = open_database().await;
    let mut connection = database.connection().await.unwrap();
    // So that only the end of the connection ends the statement.
    connection.batch_execute("SET statement_timeout = 0").await.unwrap();
    let asleep = connection.batch_execute("SELECT pg_sleep(600)");
    eventually_while(asleep, "a running statement", async || {
        (sessions(&database, "state = 'active'").await == 1).then_some(())
    })
    .await;
    drop(connection);
    await_no_session(&database, "state = 'active'").await;
    assert_eq!(database.connections(), (1, 1), "the one that looks");
}

/// Polls `work` until `condition`, then drops it.
async fn eventually_while<T, Fut: Future<Output = Option<()>>>(
    work: impl Future<Output = T>,
    what: &str,
    condition: impl Fn() -> Fut,
) {
    tokio::select! {
        _ = work => panic!("the work ended before {what}"),
        () = eventually(what, condition) => {}
    }
}

#[tokio::test]
async fn a_transaction_whose_caller_left_ends_at_once_and_releases_its_locks() {
    let database = open_database().await;
    let mut connection = database.connection().await.unwrap();
    connection.batch_execute("BEGIN; INSERT INTO notes VALUES (1, 'mine')").await.unwrap();
    drop(connection);
    await_no_session(&database, "state LIKE 'idle in transaction%'").await;
    assert_eq!(number(&database, "SELECT count(*) FROM notes").await, 0);
    database.transaction(async |connection| insert_note(connection, 1).await).await.unwrap();
}

#[tokio::test]
async fn the_rest_of_a_result_is_not_left_to_the_next_caller() {
    use futures::TryStreamExt;
    let database = open_database().await;
    let mut connection = database.connection().await.unwrap();
    let rows = diesel::sql_query("SELECT n AS value FROM generate_series(1, 10000000) AS n");
    let mut rows = rows.load_stream::<Value>(&mut connection).await.unwrap();
    assert_eq!(rows.try_next().await.unwrap().unwrap().value, 1);
    drop(rows);
    drop(connection);
    assert_eq!(database.connections(), (0, 0));
}

#[derive(diesel::QueryableByName)]
struct Value {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    value: i32,
}

/// One of several kinds of work, and then the same again.
async fn work(database: &Database, kind: u64) -> Result<(), Error> {
    if kind.is_multiple_of(3) {
        let mut connection = database.connection().await?;
        let query = "SELECT n AS value FROM generate_series(1, 2000) AS n";
        let rows: Vec<Value> =
            diesel::sql_query(query).load(&mut connection).await.map_err(convert_error)?;
        assert_eq!(rows.len(), 2000);
        return Ok(());
    }
    database
        .transaction(async |connection| {
            let row = kind % 5;
            let change = format!("UPDATE notes SET body = body WHERE id = {row}");
            connection.batch_execute(&change).await.map_err(convert_error)?;
            let sleep = if kind.is_multiple_of(2) { "SELECT pg_sleep(0.002)" } else { "SELECT" };
            connection.batch_execute(sleep).await.map_err(convert_error)
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_cancelled_calls_leave_nothing_behind() {
    use futures::StreamExt;
    const CALLS: u64 = 2000;
    let database = open_database().await;
    let rows = "INSERT INTO notes SELECT n, '' FROM generate_series(0, 4) AS n";
    database.connection().await.unwrap().batch_execute(rows).await.unwrap();
    let calls = futures::stream::iter(0..CALLS).for_each_concurrent(8, async |n| {
        // Multiplicative hashing: a different moment for each call.
        let moment = Duration::from_micros(n.wrapping_mul(2_654_435_761) % 12_000);
        let deadline = Instant::now() + moment;
        let _ = deadline::scope(deadline, work(&database, n)).await;
    });
    calls.await;
    await_no_session(&database, "state <> 'idle'").await;
    let (open, idle) = database.connections();
    assert_eq!(open, idle, "no connection is lost");
    for n in 0..1000 {
        work(&database, n).await.unwrap();
    }
}

#[tokio::test]
async fn the_deadline_of_a_call_is_the_statement_timeout_of_its_reads() {
    let database = open_database().await;
    let read = async || {
        let mut connection = database.connection().await.unwrap();
        let query = diesel::sql_query(
            "SELECT setting::int AS value FROM pg_settings \
             WHERE name = 'statement_timeout'",
        );
        query.get_result::<Value>(&mut connection).await.unwrap().value
    };
    for (seconds, timeout) in [(2, 3000), (9, 10_000), (9, 10_000), (60, 30_000), (2, 3000)] {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        assert_eq!(deadline::scope(deadline, read()).await.unwrap(), timeout);
    }
    assert_eq!(read().await, 30_000, "outside of a call");
    assert_eq!(database.connections().0, 1);
}

#[tokio::test]
async fn a_pool_whose_connections_are_all_busy_is_ready() {
    let database = open_database().await;
    let max = config("").database_connections_max;
    let busy = join_all((0..max).map(|_| database.connection())).await;
    assert!(busy.iter().all(Result::is_ok));
    database.check().await.unwrap();
}

#[tokio::test]
async fn a_connection_with_a_stale_statement_is_replaced() {
    let url = tests::database::create("mesh-data", MIGRATIONS).await;
    let config = mesh_data::config::DatabaseConfig { database_connections_max: 1, ..config(&url) };
    let database = Database::open(&config, &MIGRATIONS).unwrap();
    let read = async || {
        let mut connection = database.connection().await.unwrap();
        let all = mesh_data::sql::sql("SELECT * FROM notes");
        all.execute(&mut connection).await.map_err(convert_error)
    };
    read().await.unwrap();
    let alter = "ALTER TABLE notes ADD COLUMN further text";
    database.connection().await.unwrap().batch_execute(alter).await.unwrap();
    assert!(matches!(read().await, Err(Error::Unavailable { .. })));
    read().await.unwrap();
}

#[tokio::test]
async fn errors_of_the_server_are_classified_by_sqlstate() {
    let database = open_database().await;
    let raise = async |state: &str| {
        let mut connection = database.connection().await.unwrap();
        let raise = format!("DO $$ BEGIN RAISE 'Ein Fehler' USING ERRCODE = '{state}'; END $$");
        convert_error(connection.batch_execute(&raise).await.unwrap_err())
    };
    assert!(matches!(raise("57014").await, Error::DeadlineExceeded));
    for state in ["40P01", "53100", "55P03", "57P01", "08006"] {
        assert!(matches!(raise(state).await, Error::Unavailable { .. }), "{state}");
    }
    for state in ["22003", "23514", "42P01", "XX000"] {
        assert!(matches!(raise(state).await, Error::Internal(_)), "{state}");
    }
}
