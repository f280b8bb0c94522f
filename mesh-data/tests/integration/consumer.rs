//! The consumer loop, its dead-letter queue and the replay.

use std::sync::{Arc, Mutex};

use devstack::testing::create_database;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use mesh::{BoxError, Error};
use mesh_data::{
    consumer::{Handler, consume, replay_dead_letters},
    database::{Database, convert_error, migrate},
    kafka::Record,
    sql::{Rows, sql},
};
use metrics_exporter_prometheus::PrometheusBuilder;
use prost::{Message, Name};
use tests::{
    database::{config, execute, number},
    eventually,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{MIGRATIONS, Topic, event, kafka_config, open_database, producer, record};

type Check = Box<dyn Fn(&[String], usize) -> Result<(), Error> + Send + Sync>;

/// A handler that keeps what it is given, unless `check` fails.
#[derive(Clone)]
struct Events(Arc<Inner>);

struct Inner {
    /// Gets the events and the number of earlier attempts.
    check: Check,
    attempts: Mutex<usize>,
    batches: Mutex<Vec<Vec<String>>>,
}

impl Events {
    fn new(check: impl Fn(&[String], usize) -> Result<(), Error> + Send + Sync + 'static) -> Self {
        let (attempts, batches) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { check: Box::new(check), attempts, batches }))
    }

    fn all_good() -> Self {
        Self::new(|_, _| Ok(()))
    }

    /// Fails for good on batches with `bad`.
    fn rejecting(bad: &'static str) -> Self {
        Self::new(move |events, _| {
            if events.iter().any(|event| event == bad) {
                return Err(Error::internal("this event is bad"));
            }
            Ok(())
        })
    }

    fn batches(&self) -> Vec<Vec<String>> {
        self.0.batches.lock().unwrap().clone()
    }

    fn attempts(&self) -> usize {
        *self.0.attempts.lock().unwrap()
    }

    /// Waits until exactly these events were applied.
    async fn until(&self, events: &[&str]) {
        eventually(&format!("the events {events:?}"), async || {
            (self.batches().concat() == events).then_some(())
        })
        .await;
    }
}

impl Handler for Events {
    type Event = String;

    fn decode(&self, record: &Record) -> Result<String, BoxError> {
        if record.message != String::full_name() {
            return Err(format!("no message {:?}", record.message).into());
        }
        Ok(String::decode(&record.payload[..])?)
    }

    async fn handle(&self, events: Vec<String>) -> Result<(), Error> {
        let attempt = {
            let mut attempts = self.0.attempts.lock().unwrap();
            *attempts += 1;
            *attempts - 1
        };
        (self.0.check)(&events, attempt)?;
        self.0.batches.lock().unwrap().push(events);
        Ok(())
    }
}

struct Running {
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), BoxError>>,
}

impl Running {
    /// Consumes `topic`, in a consumer group of the topic's own.
    async fn start(topic: &Topic, handler: &Events) -> Self {
        Self::start_as(topic.name, topic, &open_database().await, handler)
    }

    fn start_as(
        group: &str,
        topic: &Topic,
        database: &Database,
        handler: &(impl Handler + Clone),
    ) -> Self {
        let shutdown = CancellationToken::new();
        let (group, database) = (group.to_owned(), database.clone());
        let (name, handler, stop) = (topic.name, handler.clone(), shutdown.clone());
        let task = tokio::spawn(async move {
            let (kafka, producer) = (kafka_config(), producer());
            consume(&kafka, &group, &[name], &database, handler, producer, stop).await
        });
        Self { shutdown, task }
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
    }
}

fn header(record: &Record, name: &str) -> Option<String> {
    let found = record.headers.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.clone())
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
    consumer.stop().await;
    assert!(handler.attempts() >= 4);
    assert!(topic.dead_letters().is_empty());
}

#[tokio::test]
async fn a_permanent_error_dead_letters_only_its_event() {
    let (topic, handler) = (Topic::create().await, Events::rejecting("bad"));
    topic.publish(&["one", "bad", "two"]).await;
    let consumer = Running::start(&topic, &handler).await;
    handler.until(&["one", "two"]).await;
    consumer.stop().await;

    let dead_letters = topic.dead_letters();
    assert_eq!(dead_letters.iter().map(event).collect::<Vec<_>>(), ["bad"]);
    assert_eq!(dead_letters[0].key, "bad");
    let reason = header(&dead_letters[0], "dead-letter-reason").unwrap();
    assert_eq!(reason, "internal error: this event is bad");
}

#[tokio::test]
async fn an_unreadable_record_is_dead_lettered_and_the_others_are_handled() {
    let (topic, handler) = (Topic::create().await, Events::all_good());
    let unreadable = Record { message: "no.such.Message".into(), ..record(topic.name, "what") };
    producer().publish(&[unreadable]).await.unwrap();
    topic.publish(&["one"]).await;
    let consumer = Running::start(&topic, &handler).await;
    handler.until(&["one"]).await;
    consumer.stop().await;

    let dead_letters = topic.dead_letters();
    assert_eq!(dead_letters.len(), 1);
    assert_eq!(dead_letters[0].message, "no.such.Message");
    let reason = header(&dead_letters[0], "dead-letter-reason").unwrap();
    assert_eq!(reason, "no message \"no.such.Message\"");
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
async fn a_replay_publishes_each_dead_letter_once() {
    let (topic, handler) = (Topic::create().await, Events::rejecting("bad"));
    topic.publish(&["bad", "one"]).await;
    let consumer = Running::start(&topic, &handler).await;
    handler.until(&["one"]).await;
    consumer.stop().await;
    assert_eq!(topic.dead_letters().len(), 1);

    assert_eq!(replay_dead_letters(&kafka_config(), topic.name).await.unwrap(), 1);
    assert_eq!(topic.events(), ["bad", "one", "bad"]);
    assert_eq!(replay_dead_letters(&kafka_config(), topic.name).await.unwrap(), 0);

    let repaired = Events::all_good();
    let consumer = Running::start(&topic, &repaired).await;
    repaired.until(&["bad"]).await;
    consumer.stop().await;
}

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
async fn members_that_join_and_leave_lose_and_double_nothing() {
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
        members.pop_front().unwrap().stop().await;
    }
    await_notes(&database, ROUNDS * EVENTS).await;
    for member in members {
        member.stop().await;
    }
    assert!(topic.dead_letters().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_that_is_too_large_refers_to_its_record_and_is_replayed_from_there() {
    let topic = Topic::absent();
    topic.create_topic().await;
    topic.create_queue(&[("max.message.bytes", "5000")]).await;
    // Incompressible: the broker counts compressed bytes.
    let large: String = (0..1000).map(|_| uuid::Uuid::new_v4().simple().to_string()).collect();
    let handler = Events::new(|events, _| {
        if events.iter().any(|event| event.len() > 1000) {
            return Err(Error::internal("too long"));
        }
        Ok(())
    });
    producer()
        .publish(&[Record { key: "large".into(), ..record(topic.name, &large) }])
        .await
        .unwrap();
    topic.publish(&["one"]).await;
    let consumer = Running::start(&topic, &handler).await;
    handler.until(&["one"]).await;
    consumer.stop().await;

    let dead_letters = topic.dead_letters();
    assert_eq!(dead_letters.len(), 1);
    assert_eq!((&*dead_letters[0].key, dead_letters[0].payload.len()), ("large", 0));
    let source = format!("{}/0/0", topic.name);
    assert_eq!(header(&dead_letters[0], "dead-letter-source"), Some(source));
    let size = record(topic.name, &large).payload.len().to_string();
    assert_eq!(header(&dead_letters[0], "dead-letter-omitted-bytes"), Some(size));

    assert_eq!(replay_dead_letters(&kafka_config(), topic.name).await.unwrap(), 1);
    assert_eq!(topic.events(), [&large, "one", &large]);
    assert_eq!(topic.records()[2].headers, []);
}

#[tokio::test]
async fn a_queue_that_accepts_no_dead_letter_is_reported_until_it_does() {
    let topic = Topic::absent();
    topic.create_topic().await;
    let recorder = PrometheusBuilder::new().build_recorder();
    let _recorder = metrics::set_default_local_recorder(&recorder);
    let stalled = |value: u8| format!("dead_letters_stalled{{topic=\"{}\"}} {value}\n", topic.name);
    let handler = Events::rejecting("bad");
    topic.publish(&["bad"]).await;
    let consumer = Running::start(&topic, &handler).await;
    eventually("a stalled partition", async || {
        recorder.handle().render().contains(&stalled(1)).then_some(())
    })
    .await;
    topic.create_queue(&[]).await;
    eventually("the dead letter", async || {
        recorder.handle().render().contains(&stalled(0)).then_some(())
    })
    .await;
    consumer.stop().await;
    assert_eq!(topic.dead_letters().iter().map(event).collect::<Vec<_>>(), ["bad"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_waits_for_a_member_of_its_group_that_died() {
    let (topic, handler) = (Topic::create().await, Events::rejecting("bad"));
    topic.publish(&["bad", "one"]).await;
    let consumer = Running::start(&topic, &handler).await;
    handler.until(&["one"]).await;
    consumer.stop().await;

    // A member that neither polls nor leaves, as after a kill.
    let group = format!("{}-dlq-replay", topic.name);
    let dead = topic.join_queue(&group).await;
    assert_eq!(replay_dead_letters(&kafka_config(), topic.name).await.unwrap(), 1);
    drop(dead);
    assert_eq!(topic.events(), ["bad", "one", "bad"]);
}
