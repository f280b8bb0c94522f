//! The outbox and its relay.

use std::collections::HashSet;

use diesel_async::RunQueryDsl;
use mesh::Error;
use mesh_data::{
    config::KafkaConfig,
    database::Database,
    kafka::Producer,
    outbox::{self, NewEvent, Wakeup, insert_events},
};
use metrics_exporter_prometheus::PrometheusBuilder;
use tests::{
    PATIENCE,
    database::{execute, number},
    eventually,
    service::NO_BROKER,
};
use tokio::{task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{Topic, event, kafka_config, open_database, producer};

fn new_event(topic: &Topic, text: &str) -> NewEvent {
    NewEvent::new(Uuid::now_v7(), topic.name, text.to_owned(), &text.to_owned())
}

async fn insert(database: &Database, events: &[NewEvent]) {
    let inserted = database.transaction(async |connection| {
        insert_events(connection, events).await.map_err(Error::internal)
    });
    inserted.await.unwrap();
}

fn start_relay(
    database: &Database,
    producer: Producer,
    wakeup: &Wakeup,
    shutdown: &CancellationToken,
) -> JoinHandle<()> {
    let relay = outbox::relay(database.clone(), producer, wakeup.clone(), shutdown.clone());
    tokio::spawn(relay)
}

async fn await_empty_outbox(database: &Database) {
    eventually("the outbox is empty", async || {
        (number(database, "SELECT count(*) FROM outbox").await == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_relay_publishes_committed_events_and_none_of_a_rolled_back_transaction() {
    let (database, topic) = (open_database().await, Topic::create().await);
    let (wakeup, shutdown) = (Wakeup::default(), CancellationToken::new());
    let relay = start_relay(&database, producer(), &wakeup, &shutdown);

    let rolled_back: Result<(), Error> = database
        .transaction(async |connection| {
            let event = [new_event(&topic, "rolled back")];
            insert_events(connection, &event).await.map_err(Error::internal)?;
            Err(Error::Overloaded)
        })
        .await;
    assert!(matches!(rolled_back, Err(Error::Overloaded)));
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let untraced = new_event(&topic, "one");
    let traced = new_event(&topic, "two").with_traceparent(Some(trace.to_owned()));
    insert(&database, &[untraced, traced]).await;
    wakeup.notify();

    await_empty_outbox(&database).await;
    shutdown.cancel();
    relay.await.unwrap();
    let records = topic.records();
    assert_eq!(records.iter().map(event).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!((&*records[1].key, &*records[1].message), ("two", "google.protobuf.StringValue"));
    assert_eq!(records[0].traceparent, None);
    assert_eq!(records[1].traceparent.as_deref(), Some(trace));
}

#[tokio::test]
async fn two_relays_publish_each_event_once() {
    const EVENTS: usize = 1500;
    let (database, topic) = (open_database().await, Topic::create().await);
    let events: Vec<_> = (0..EVENTS).map(|n| new_event(&topic, &n.to_string())).collect();
    insert(&database, &events).await;

    let shutdown = CancellationToken::new();
    let relays =
        [(); 2].map(|()| start_relay(&database, producer(), &Wakeup::default(), &shutdown));
    await_empty_outbox(&database).await;
    shutdown.cancel();
    for relay in relays {
        relay.await.unwrap();
    }
    let published = topic.events();
    assert_eq!(published.len(), EVENTS, "no duplicate");
    assert_eq!(published.into_iter().collect::<HashSet<_>>().len(), EVENTS, "no event is missing");
}

#[tokio::test]
async fn a_notified_relay_does_not_wait_for_its_next_poll() {
    /// With a poll for each, they would take longer than the test waits.
    const EVENTS: usize = 150;
    let (database, topic) = (open_database().await, Topic::create().await);
    let (wakeup, shutdown) = (Wakeup::default(), CancellationToken::new());
    let relay = start_relay(&database, producer(), &wakeup, &shutdown);
    // The connections of relay and producer are open after this.
    insert(&database, &[new_event(&topic, "first")]).await;
    await_empty_outbox(&database).await;
    let one_by_one = async {
        for n in 0..EVENTS {
            insert(&database, &[new_event(&topic, &n.to_string())]).await;
            wakeup.notify();
            await_empty_outbox(&database).await;
        }
    };
    timeout(PATIENCE, one_by_one).await.expect("no event waits for a poll");
    shutdown.cancel();
    relay.await.unwrap();
}

#[tokio::test]
async fn events_remain_in_the_outbox_while_no_broker_responds() {
    let (database, topic) = (open_database().await, Topic::create().await);
    insert(&database, &[new_event(&topic, "one"), new_event(&topic, "two")]).await;
    let shutdown = CancellationToken::new();
    let unreachable = KafkaConfig { kafka_brokers: NO_BROKER.into(), ..kafka_config() };
    let unreachable = Producer::new(&unreachable).unwrap();
    let relay = start_relay(&database, unreachable.clone(), &Wakeup::default(), &shutdown);
    eventually("the broker is reported as down", async || unreachable.state().check().err()).await;
    assert_eq!(number(&database, "SELECT count(*) FROM outbox").await, 2);
    // The process dies: its transaction is rolled back.
    relay.abort();
    assert!(relay.await.unwrap_err().is_cancelled());

    let relay = start_relay(&database, producer(), &Wakeup::default(), &shutdown);
    await_empty_outbox(&database).await;
    shutdown.cancel();
    relay.await.unwrap();
    assert_eq!(topic.events(), ["one", "two"]);
}

#[tokio::test]
async fn an_event_that_cannot_be_published_waits_alone() {
    const EVENTS: usize = 500;
    let (database, topic, absent) = (open_database().await, Topic::create().await, Topic::absent());
    let bad = new_event(&absent, "bad");
    let too_large = new_event(&topic, &"x".repeat(2 << 20));
    let events = (0..EVENTS).map(|n| new_event(&topic, &n.to_string()));
    insert(&database, &[bad, too_large].into_iter().chain(events).collect::<Vec<_>>()).await;
    let shutdown = CancellationToken::new();
    let relay = start_relay(&database, producer(), &Wakeup::default(), &shutdown);
    eventually("two failed attempts of two events", async || {
        let failed = "SELECT count(*) FROM outbox WHERE attempts > 1";
        (number(&database, failed).await == 2).then_some(())
    })
    .await;
    assert_eq!(number(&database, "SELECT count(*) FROM outbox").await, 2);
    assert_eq!(topic.records().len(), EVENTS, "each once");

    absent.create_topic().await;
    eventually("the event of the new topic", async || {
        (number(&database, "SELECT count(*) FROM outbox").await == 1).then_some(())
    })
    .await;
    shutdown.cancel();
    relay.await.unwrap();
    assert_eq!(absent.events(), ["bad"]);
}

#[tokio::test]
async fn events_that_fail_again_and_again_do_not_hold_up_a_new_one() {
    const MORE_THAN_CLAIMED: usize = 6000;
    let (database, topic, absent) = (open_database().await, Topic::create().await, Topic::absent());
    let failing: Vec<_> =
        (0..MORE_THAN_CLAIMED).map(|n| new_event(&absent, &n.to_string())).collect();
    insert(&database, &failing).await;
    execute(&database, "UPDATE outbox SET attempts = 1").await;
    insert(&database, &[new_event(&topic, "new")]).await;
    let shutdown = CancellationToken::new();
    let relay = start_relay(&database, producer(), &Wakeup::default(), &shutdown);
    eventually("the new event", async || (topic.events() == ["new"]).then_some(())).await;
    let failed_again = "SELECT count(*) FROM outbox WHERE attempts > 1";
    assert_eq!(number(&database, failed_again).await, 0);
    shutdown.cancel();
    relay.await.unwrap();
}

#[tokio::test]
async fn an_event_that_commits_after_a_later_one_is_published() {
    let (database, topic) = (open_database().await, Topic::create().await);
    let (wakeup, shutdown) = (Wakeup::default(), CancellationToken::new());
    let (earlier, later) = (new_event(&topic, "earlier"), new_event(&topic, "later"));
    let relay = start_relay(&database, producer(), &wakeup, &shutdown);
    let inserted = database.transaction(async |connection| {
        insert_events(connection, &[earlier]).await.map_err(Error::internal)?;
        insert(&database, &[later]).await;
        eventually("the later event", async || (topic.events() == ["later"]).then_some(())).await;
        Ok::<_, Error>(())
    });
    inserted.await.unwrap();
    await_empty_outbox(&database).await;
    shutdown.cancel();
    relay.await.unwrap();
    assert_eq!(topic.events(), ["later", "earlier"]);
}

#[tokio::test]
async fn a_relay_holds_no_transaction_while_it_publishes() {
    let (database, topic) = (open_database().await, Topic::create().await);
    insert(&database, &[new_event(&topic, "one")]).await;
    let shutdown = CancellationToken::new();
    let unreachable = KafkaConfig { kafka_brokers: NO_BROKER.into(), ..kafka_config() };
    let unreachable = Producer::new(&unreachable).unwrap();
    let relay = start_relay(&database, unreachable, &Wakeup::default(), &shutdown);
    eventually("a claim", async || {
        let claimed = "SELECT count(*) FROM outbox WHERE retry_at > now()";
        (number(&database, claimed).await == 1).then_some(())
    })
    .await;
    let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
        AND pid <> pg_backend_pid() AND xact_start IS NOT NULL AND backend_type = 'client backend' \
        AND state <> 'active'";
    assert_eq!(number(&database, open).await, 0);
    shutdown.cancel();
    relay.await.unwrap();
}

#[tokio::test]
async fn a_relay_that_saw_an_empty_table_claims_exactly_its_batches_of_a_full_one() {
    const EVENTS: usize = 6000;
    const CLAIMED_MAX: i64 = 5000;
    let (database, topic) = (open_database().await, Topic::create().await);
    let (wakeup, shutdown) = (Wakeup::default(), CancellationToken::new());
    execute(&database, "VACUUM outbox").await;
    let unreachable = KafkaConfig { kafka_brokers: NO_BROKER.into(), ..kafka_config() };
    let unreachable = Producer::new(&unreachable).unwrap();
    let relay = start_relay(&database, unreachable, &wakeup, &shutdown);
    // From the sixth execution on, a prepared statement may keep its plan.
    let last_claim = "SELECT coalesce(max(extract(epoch FROM query_start) * 1000000), 0) \
        FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%SKIP LOCKED%' \
        AND pid <> pg_backend_pid()";
    let mut last = 0;
    for _ in 0..8 {
        last = eventually("a claim of nothing", async || {
            wakeup.notify();
            Some(number(&database, last_claim).await).filter(|time| *time > last)
        })
        .await;
    }
    let events: Vec<_> = (0..EVENTS).map(|n| new_event(&topic, &n.to_string())).collect();
    insert(&database, &events).await;
    wakeup.notify();
    let claimed = eventually("all claims", async || {
        let claimed = "SELECT count(*) FROM outbox WHERE retry_at > now()";
        Some(number(&database, claimed).await).filter(|claimed| *claimed >= CLAIMED_MAX)
    })
    .await;
    assert_eq!(claimed, CLAIMED_MAX);
    for _ in 0..5 {
        wakeup.notify();
        let claimed = "SELECT count(*) FROM outbox WHERE retry_at > '-infinity'";
        assert_eq!(number(&database, claimed).await, CLAIMED_MAX, "the others wait");
    }
    relay.abort();
}

#[tokio::test]
async fn the_backlog_of_the_outbox_is_measured() {
    let (database, topic) = (open_database().await, Topic::create().await);
    let recorder = PrometheusBuilder::new().build_recorder();
    let _recorder = metrics::set_default_local_recorder(&recorder);
    outbox::measure(&database).await.unwrap();
    let rendered = recorder.handle().render();
    assert!(rendered.contains("outbox_waiting 0\n"), "{rendered}");
    assert!(rendered.contains("outbox_oldest_seconds 0\n"), "{rendered}");

    insert(&database, &[new_event(&topic, "one"), new_event(&topic, "two")]).await;
    let mut connection = database.connection().await.unwrap();
    let age = "UPDATE outbox SET created_at = now() - interval '1 hour', attempts = 1 \
        WHERE id = (SELECT min(id::text)::uuid FROM outbox)";
    diesel::sql_query(age).execute(&mut connection).await.unwrap();
    outbox::measure(&database).await.unwrap();
    let rendered = recorder.handle().render();
    assert!(rendered.contains("outbox_waiting 2\n"), "{rendered}");
    assert!(rendered.contains("outbox_failing 1\n"), "{rendered}");
    assert!(rendered.contains("outbox_oldest_seconds 360"), "{rendered}");
}
