//! Group commit with a real database.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use diesel::sql_types::BigInt;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use futures::future::join_all;
use mesh::Error;
use mesh_data::{
    database::{Database, convert_error},
    group_commit::GroupCommit,
    sql::{Rows, sql},
};
use tests::{
    database::{end_other_sessions, execute, number},
    eventually,
};

use crate::support::open_database;

type Group = GroupCommit<i64, i64, Error>;

/// A writer that increments the number of notes with these ids, and the number of its writes.
fn start(database: &Database) -> (Group, Arc<AtomicUsize>) {
    let (database, writes) = (database.dedicated(), Arc::<AtomicUsize>::default());
    let count = writes.clone();
    let write = move |ids: Arc<[i64]>| {
        count.fetch_add(1, SeqCst);
        let database = database.clone();
        async move {
            let written = database.transaction(async |connection| {
                let rows = Rows::of(&ids).column::<BigInt, _>("note_id", |id| *id);
                sql("UPDATE notes SET body = (1 / id)::text FROM {changed} WHERE id = note_id")
                    .rows("changed", rows)
                    .execute(connection)
                    .await
                    .map_err(convert_error)
            });
            written.await?;
            Ok::<_, Error>(ids.to_vec())
        }
    };
    (GroupCommit::new("notes", 64, write), writes)
}

async fn database_with_notes() -> Database {
    let database = open_database().await;
    let insert = "INSERT INTO notes (id, body) SELECT n, '' FROM generate_series(0, 63) AS n";
    execute(&database, insert).await;
    database
}

#[tokio::test]
async fn one_row_that_the_database_rejects_fails_alone() {
    let database = database_with_notes().await;
    let (group, writes) = start(&database);
    // Division by zero.
    let replies = join_all((0..64).map(|id| group.submit(id))).await;
    for (id, reply) in (0..64).zip(replies) {
        assert_eq!(reply.is_ok(), id != 0, "{id}: {reply:?}");
    }
    assert_eq!(number(&database, "SELECT count(*) FROM notes WHERE body <> ''").await, 63);
    assert_eq!(AtomicUsize::load(&writes, SeqCst), 13);
}

#[tokio::test]
async fn a_lock_of_another_session_fails_the_batch_once_and_the_next_one_succeeds() {
    let database = database_with_notes().await;
    let (group, writes) = start(&database);
    let mut other = database.connection().await.unwrap();
    other.batch_execute("BEGIN; SELECT FROM notes WHERE id = 7 FOR UPDATE").await.unwrap();
    let replies = join_all((1..64).map(|id| group.submit(id))).await;
    for reply in replies {
        assert!(matches!(reply, Err(Error::Unavailable { .. })), "{reply:?}");
    }
    assert_eq!(AtomicUsize::load(&writes, SeqCst), 1);
    drop(other);
    eventually("a write", async || group.submit(7).await.ok()).await;
}

#[tokio::test]
async fn a_busy_pool_does_not_hold_up_the_writer() {
    let database = database_with_notes().await;
    let (group, _) = start(&database);
    let max = tests::database::config("").database_connections_max;
    let busy = join_all((0..max).map(|_| database.connection())).await;
    assert_eq!(group.submit(1).await.unwrap(), 1);
    drop(busy);
}

#[tokio::test]
async fn a_writer_whose_connection_ended_connects_again() {
    let database = database_with_notes().await;
    let (group, _) = start(&database);
    group.submit(1).await.unwrap();
    end_other_sessions(&database).await;
    eventually("a write", async || group.submit(2).await.ok()).await;
}
