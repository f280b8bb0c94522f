//! The dead-letter queue of a topic and its replay.

use mesh::Error;
use mesh_data::{consumer::replay_dead_letters, kafka::Record};
use metrics_exporter_prometheus::PrometheusBuilder;
use tests::eventually;

use crate::{
    handler::{Events, Running},
    support::{Topic, event, kafka_config, producer, record},
};

fn header(record: &Record, name: &str) -> Option<String> {
    let found = record.headers.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.clone())
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
    assert_eq!(topic.records()[2].headers, []);
    assert_eq!(replay_dead_letters(&kafka_config(), topic.name).await.unwrap(), 0);

    let repaired = Events::all_good();
    let consumer = Running::start(&topic, &repaired).await;
    repaired.until(&["bad"]).await;
    consumer.stop().await;
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
