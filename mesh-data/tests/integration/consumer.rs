//! The consumer loop: batches, retries, and the members of a group.

use std::sync::{Arc, Mutex};

use devstack::testing::create_database;
use diesel::sql_types::Text;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use mesh::{BoxError, Error};
use mesh_data::{
    consumer::Handler,
    database::{Database, convert_error, migrate},
    kafka::Record,
    sql::{Rows, sql},
};
use prost::Message;
use tests::{
    database::{config, execute, number},
    eventually,
};

use crate::{
    handler::{Events, Running},
    support::{MIGRATIONS, Topic, event, open_database},
};

/// A handler that writes each event as a note, once. An event is the id of its note, or an SQL
/// expression that fails.
#[derive(Clone)]
struct Notes(Database);

impl Handler for Notes {
    type Event = String;

    fn decode(&self, record: &Record) -> Result<String, BoxError> {
        Ok(String::decode(&record.payload[..])?)
    }

    async fn handle(&self, events: Vec<String>) -> Result<(), Error> {
        let mut connection = self.0.connection().await?;
        let insert = sql("INSERT INTO notes (id, body) SELECT body::bigint, body FROM {new} \
             ON CONFLICT DO NOTHING");
        let rows = Rows::of(&events).column::<Text, _>("body", |event| &**event);
        insert.rows("new", rows).execute(&mut connection).await.map(drop).map_err(convert_error)
    }
}

async fn await_notes(database: &Database, count: i64) {
    eventually(&format!("{count} notes"), async || {
        (number(database, "SELECT count(*) FROM notes").await == count).then_some(())
    })
    .await;
}

#[tokio::test]
async fn events_are_handled_in_batches_and_a_restarted_consumer_continues_after_them() {
    let (topic, handler) = (Topic::create().await, Events::all_good());
    let events: Vec<_> = (0..50).map(|n| n.to_string()).collect();
    let events: Vec<_> = events.iter().map(String::as_str).collect();
    topic.publish(&events).await;
    let consumer = Running::start(&topic, &handler).await;
    handler.until(&events).await;
    assert!(handler.batches().len() < events.len(), "{:?}", handler.batches());
    consumer.stop().await;

    let handler = Events::all_good();
    topic.publish(&["later"]).await;
    let consumer = Running::start(&topic, &handler).await;
    handler.until(&["later"]).await;
    consumer.stop().await;
    assert!(topic.dead_letters().is_empty());
}

#[tokio::test]
async fn a_transient_error_is_retried_until_it_disappears() {
    let topic = Topic::create().await;
    let handler =
        Events::new(|_, attempt| if attempt < 3 { Err(Error::Overloaded) } else { Ok(()) });
    topic.publish(&["one", "two"]).await;
    let consumer = Running::start(&topic, &handler).await;
    handler.until(&["one", "two"]).await;
    assert!(handler.attempts() >= 4);
    topic.publish(&["three"]).await;
    handler.until(&["one", "two", "three"]).await;
    consumer.stop().await;
    assert!(topic.dead_letters().is_empty());
}

#[tokio::test]
async fn a_shutdown_during_a_retry_keeps_the_events() {
    let topic = Topic::create().await;
    let failing = Events::new(|_, _| Err(Error::Overloaded));
    topic.publish(&["one"]).await;
    let consumer = Running::start(&topic, &failing).await;
    eventually("an attempt", async || (failing.attempts() > 0).then_some(())).await;
    consumer.stop().await;

    let handler = Events::all_good();
    let consumer = Running::start(&topic, &handler).await;
    handler.until(&["one"]).await;
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_subscribes_only_after_the_schema_is_migrated() {
    let topic = Topic::create().await;
    topic.publish(&["1"]).await;
    let url = create_database("unmigrated").await;
    let database = Database::open(&config(&url), &MIGRATIONS).unwrap();
    let early = Events::all_good();
    let consumer = Running::start_as("early", &topic, &database, &early);
    // A consumer that starts later, and has its schema, gets the event first.
    let migrated = Events::all_good();
    let other = Running::start(&topic, &migrated).await;
    migrated.until(&["1"]).await;
    other.stop().await;
    assert_eq!(early.attempts(), 0);

    migrate(&config(&url), MIGRATIONS).await.unwrap();
    early.until(&["1"]).await;
    consumer.stop().await;
    assert!(topic.dead_letters().is_empty());
}

#[tokio::test]
async fn an_event_waits_until_the_database_is_repaired() {
    let (topic, database) = (Topic::create().await, open_database().await);
    execute(&database, "ALTER TABLE notes RENAME COLUMN body TO misnamed").await;
    topic.publish(&["1"]).await;
    let consumer = Running::start_as(topic.name, &topic, &database, &Notes(database.clone()));
    let failures = "SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()";
    let before = number(&database, failures).await;
    eventually("a failed attempt", async || {
        (number(&database, failures).await > before).then_some(())
    })
    .await;
    execute(&database, "ALTER TABLE notes RENAME COLUMN misnamed TO body").await;
    await_notes(&database, 1).await;
    consumer.stop().await;
    assert!(topic.dead_letters().is_empty());
}

#[tokio::test]
async fn an_event_whose_own_data_fails_is_dead_lettered() {
    let (topic, database) = (Topic::create().await, open_database().await);
    topic.publish(&["1", "no number", "2"]).await;
    let consumer = Running::start_as(topic.name, &topic, &database, &Notes(database.clone()));
    await_notes(&database, 2).await;
    eventually("a dead letter", async || topic.dead_letters().pop()).await;
    consumer.stop().await;
    assert_eq!(topic.dead_letters().iter().map(event).collect::<Vec<_>>(), ["no number"]);
}

#[tokio::test]
async fn a_member_that_retries_does_not_hold_up_the_others_of_its_group() {
    const PARTITIONS: usize = 2;
    let topic = Topic::with_partitions(PARTITIONS as i32).await;
    let events: Vec<_> = (0..40).map(|n| n.to_string()).collect();
    let events: Vec<_> = events.iter().map(String::as_str).collect();
    let is_repaired = Arc::new(Mutex::new(false));
    let failing = Events::new({
        let is_repaired = is_repaired.clone();
        move |_, _| if *is_repaired.lock().unwrap() { Ok(()) } else { Err(Error::Overloaded) }
    });
    topic.publish(&events).await;
    let stuck = Running::start(&topic, &failing).await;
    eventually("an attempt", async || (failing.attempts() > 0).then_some(())).await;
    let good = Events::all_good();
    let other = Running::start(&topic, &good).await;
    let handled = eventually("events of the other member", async || {
        Some(good.batches().concat()).filter(|handled| !handled.is_empty())
    })
    .await;
    assert!(handled.len() < events.len(), "the member that retries is still in the group");

    *is_repaired.lock().unwrap() = true;
    eventually("all events", async || {
        let mut all = [good.batches().concat(), failing.batches().concat()].concat();
        all.sort_by_key(|event| event.parse::<usize>().unwrap());
        all.dedup();
        (all == events).then_some(())
    })
    .await;
    stuck.stop().await;
    other.stop().await;
    assert!(topic.dead_letters().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_whose_handling_is_cut_off_arrives_again() {
    let (topic, database) = (Topic::create().await, open_database().await);
    let start = || Running::start_as(topic.name, &topic, &database, &Notes(database.clone()));
    topic.publish(&["1", "2"]).await;
    let mut lock = database.connection().await.unwrap();
    lock.batch_execute("BEGIN; LOCK TABLE notes").await.unwrap();
    let until_handlers_wait = async |count: i64| {
        let waiting = "SELECT count(*) FROM pg_stat_activity \
             WHERE datname = current_database() AND wait_event_type = 'Lock'";
        eventually(&format!("{count} waiting handlers"), async || {
            (number(&database, waiting).await == count).then_some(())
        })
        .await;
    };
    let dying = start();
    until_handlers_wait(1).await;
    dying.kill().await;
    until_handlers_wait(0).await;
    drop(lock);

    let other = start();
    await_notes(&database, 2).await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_join_leave_and_die_lose_nothing() {
    const ROUNDS: i64 = 4;
    const EVENTS: i64 = 500;
    let (topic, database) = (Topic::with_partitions(6).await, open_database().await);
    let notes = Notes(database.clone());
    let start = || Running::start_as(topic.name, &topic, &database, &notes);
    let mut members = std::collections::VecDeque::from([start(), start()]);
    for round in 0..ROUNDS {
        let ids: Vec<_> = (round * EVENTS..(round + 1) * EVENTS).map(|n| n.to_string()).collect();
        members.push_back(start());
        for chunk in ids.chunks(100) {
            topic.publish(&chunk.iter().map(String::as_str).collect::<Vec<_>>()).await;
        }
        let oldest = members.pop_front().unwrap();
        if round % 2 == 0 {
            oldest.kill().await;
        } else {
            oldest.stop().await;
        }
    }
    await_notes(&database, ROUNDS * EVENTS).await;
    for member in members {
        member.stop().await;
    }
    assert!(topic.dead_letters().is_empty());
}
