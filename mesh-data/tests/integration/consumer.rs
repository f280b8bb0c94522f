//! The consumer loop, its dead-letter queue and the replay.

use std::sync::{Arc, Mutex};

use mesh::{BoxError, Error};
use mesh_data::{
    consumer::{Handler, consume, replay_dead_letters},
    kafka::Record,
};
use prost::{Message, Name};
use tests::eventually;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{Topic, event, kafka_config, producer, record};

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
    fn start(topic: &Topic, handler: &Events) -> Self {
        let shutdown = CancellationToken::new();
        let (name, handler, stop) = (topic.name, handler.clone(), shutdown.clone());
        let task = tokio::spawn(async move {
            consume(&kafka_config(), name, &[name], handler, producer(), stop).await
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
    let consumer = Running::start(&topic, &handler);
    handler.until(&events).await;
    assert!(handler.batches().len() < events.len(), "{:?}", handler.batches());
    consumer.stop().await;

    let handler = Events::all_good();
    topic.publish(&["later"]).await;
    let consumer = Running::start(&topic, &handler);
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
    let consumer = Running::start(&topic, &handler);
    handler.until(&["one", "two"]).await;
    consumer.stop().await;
    assert!(handler.attempts() >= 4);
    assert!(topic.dead_letters().is_empty());
}

#[tokio::test]
async fn a_permanent_error_dead_letters_only_its_event() {
    let (topic, handler) = (Topic::create().await, Events::rejecting("bad"));
    topic.publish(&["one", "bad", "two"]).await;
    let consumer = Running::start(&topic, &handler);
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
    let consumer = Running::start(&topic, &handler);
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
    let consumer = Running::start(&topic, &failing);
    eventually("an attempt", async || (failing.attempts() > 0).then_some(())).await;
    consumer.stop().await;

    let handler = Events::all_good();
    let consumer = Running::start(&topic, &handler);
    handler.until(&["one"]).await;
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_publishes_each_dead_letter_once() {
    let (topic, handler) = (Topic::create().await, Events::rejecting("bad"));
    topic.publish(&["bad", "one"]).await;
    let consumer = Running::start(&topic, &handler);
    handler.until(&["one"]).await;
    consumer.stop().await;
    assert_eq!(topic.dead_letters().len(), 1);

    assert_eq!(replay_dead_letters(&kafka_config(), topic.name).await.unwrap(), 1);
    assert_eq!(topic.events(), ["bad", "one", "bad"]);
    assert_eq!(replay_dead_letters(&kafka_config(), topic.name).await.unwrap(), 0);

    let repaired = Events::all_good();
    let consumer = Running::start(&topic, &repaired);
    repaired.until(&["bad"]).await;
    consumer.stop().await;
}
