//! The way through Kafka: events in, unreadable ones aside and back, mail states out.
//!
//! In one test, in a consumer group of its own and with a mail server of its own, since
//! the topics are those of the whole store.

use std::sync::{Arc, Mutex};

use devstack::testing::Env;
use mesh::config::{LogFormat, TelemetryConfig};
use mesh_data::{
    consumer::{Handler, consume, replay_dead_letters},
    kafka::{Producer, Record},
};
use prost::Message;
use proto::{
    notify::v1::{MailStateChanged, NotificationState},
    user::v1::{UserMailRequested, WelcomeMail, user_mail_requested::Mail},
};
use tests::eventually;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    harness::{Desk, order_created, record, someone},
    mail_server::{Answer, MailServer},
};

/// Keeps the records of a topic.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<Vec<Record>>>);

impl Listener {
    async fn hears(&self, is_it: impl Fn(&Record) -> bool) -> Record {
        eventually("the record", async || {
            self.0.lock().unwrap().iter().find(|record| is_it(record)).cloned()
        })
        .await
    }
}

impl Handler for Listener {
    type Event = Record;

    fn decode(&self, record: &Record) -> Result<Record, mesh::BoxError> {
        Ok(record.clone())
    }

    async fn handle(&self, events: Vec<Record>) -> Result<(), mesh::Error> {
        self.0.lock().unwrap().extend(events);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_from_kafka_and_what_cannot_be_read_goes_aside_and_comes_back() {
    // Only with telemetry is there a trace to continue.
    let telemetry = TelemetryConfig {
        log_filter: "notify_svc::delivery=info".into(),
        log_format: LogFormat::Pretty,
        otel_exporter_otlp_endpoint: String::new(),
    };
    let _telemetry = mesh::telemetry::init(&telemetry, "notify-svc").expect("good settings");
    let server = MailServer::start(|_| Answer::Usual).await;
    let (brokers, group) = (Env::from_env().kafka_brokers(), Uuid::now_v7().to_string());
    let settings = [("kafka-brokers", &*brokers), ("kafka-group", &*group)];
    let desk = Desk::open_with(&server.url(), &settings).await;
    let kafka = &desk.config.settings.kafka;
    let producer = Producer::new(kafka).expect("good settings");

    let listener = Listener::default();
    let listening = CancellationToken::new();
    tokio::spawn({
        let (kafka, group) = (kafka.clone(), Uuid::now_v7().to_string());
        let (listener, producer, until) = (listener.clone(), producer.clone(), listening.clone());
        let topics = ["mail-state", "user-mail-dlq"];
        async move { consume(&kafka, &group, &topics, listener, producer, until).await }
    });

    // An order makes a mail, and its state is told.
    let recipient = someone();
    let order = order_created(&recipient);
    let unreadable = Record { payload: vec![0xff; 9], ..record("user-mail", &welcome(&someone())) };
    let behind = someone();
    let good = record("user-mail", &welcome(&behind));
    let good = Record { key: unreadable.key.clone(), ..good };
    producer.publish(&[order.clone(), order, unreadable.clone(), good]).await.expect("Kafka");
    eventually("the mail", async || server.taken_for(&recipient).pop()).await;
    let sent = eventually("the mark", async || {
        let found = desk.list(&recipient).await.pop()?;
        (found.state() == NotificationState::Sent).then_some(found)
    })
    .await;
    // A store beside this test makes a mail of its own of the same order.
    let of_mail = |record: &Record| {
        MailStateChanged::decode(&*record.payload)
            .ok()
            .filter(|event| event.notification_id == sent.notification_id)
    };
    let state = listener.hears(|record| of_mail(record).is_some()).await;
    let event = of_mail(&state).expect("it was heard");
    assert_eq!(event.order_id, sent.order_id);
    assert_eq!((event.state(), event.version), (NotificationState::Sent, 2));
    let trace = state.traceparent.expect("it has one");
    assert!(trace.contains("0af7651916cd43dd8448eb211c80319c"), "{trace}");

    // What cannot be read holds up nobody behind it, and is kept.
    eventually("the one behind", async || server.taken_for(&behind).pop()).await;
    let dead = listener.hears(|record| record.key == unreadable.key).await;
    assert_eq!(dead.payload, unreadable.payload);
    assert!(dead.headers.iter().any(|(name, _)| name == "dead-letter-reason"), "{dead:?}");

    // A dead letter that can be read by now makes its mail.
    let late = someone();
    let readable = Record { topic: "user-mail-dlq".into(), ..record("", &welcome(&late)) };
    producer.publish(&[readable]).await.expect("Kafka");
    let count = replay_dead_letters(kafka, "user-mail").await.expect("Kafka");
    assert!(count >= 2, "{count}");
    eventually("the mail of the dead letter", async || server.taken_for(&late).pop()).await;
    assert_eq!(server.taken_for(&recipient).len(), 1);
    listening.cancel();
    desk.service.stop().await;
}

fn welcome(recipient: &str) -> UserMailRequested {
    UserMailRequested {
        event_id: Uuid::now_v7().to_string(),
        user_id: Uuid::now_v7().to_string(),
        email: recipient.into(),
        display_name: "Ann".into(),
        create_time: None,
        mail: Some(Mail::Welcome(WelcomeMail::default())),
    }
}
