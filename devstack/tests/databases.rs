//! Databases of a test in the store that `make test` runs.

use std::sync::atomic::{AtomicU32, Ordering};

use devstack::testing::{create_database, template_database};
use tokio_postgres::{Client, NoTls};

async fn connect(url: &str) -> Client {
    let (client, connection) =
        tokio_postgres::connect(url, NoTls).await.expect("it accepts connections");
    tokio::spawn(connection);
    client
}

#[tokio::test]
async fn two_databases_with_the_same_name_hint_are_distinct() {
    let (first, second) = (create_database("one-hint").await, create_database("one-hint").await);
    assert_ne!(first, second);
    connect(&first).await.batch_execute("CREATE TABLE mine ()").await.expect("the owner may");
    assert!(connect(&second).await.batch_execute("SELECT FROM mine").await.is_err());
}

#[tokio::test]
async fn the_owner_may_create_trusted_extensions() {
    let client = connect(&create_database("extensions").await).await;
    client.batch_execute("CREATE EXTENSION pg_trgm").await.expect("it is trusted");
}

#[tokio::test]
async fn concurrent_clones_migrate_their_template_once() {
    static MIGRATIONS: AtomicU32 = AtomicU32::new(0);
    let clone = || {
        template_database("many-clones", async |url| {
            MIGRATIONS.fetch_add(1, Ordering::Relaxed);
            let client = connect(&url).await;
            client.batch_execute("CREATE TABLE migrated (id int)").await
        })
    };
    let (a, b, c, d) = tokio::join!(clone(), clone(), clone(), clone());
    assert_eq!(MIGRATIONS.load(Ordering::Relaxed), 1);
    for url in [a, b, c, d] {
        let client = connect(&url).await;
        client.batch_execute("INSERT INTO migrated VALUES (1)").await.expect("it was cloned");
        let row = client
            .query_one("SELECT count(*) FROM migrated", &[])
            .await
            .expect("it accepts connections");
        assert_eq!(row.get::<_, i64>(0), 1, "a clone contains only its own rows");
    }
}
