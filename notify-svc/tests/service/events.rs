//! Events through Kafka: consumed, moved to and from the dead-letter queue, published.
//!
//! One test with its own consumer group and mail server, because it shares the topics with
//! the whole store.

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
use setup::certificates::SETUP;
use tests::{eventually, service::kafka_config};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    harness::{Service, order_created, record, someone},
    mail_server::{MailServer, Response},
};

/// Collects the records of topics.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<Vec<Record>>>);

impl Listener {
    async fn wait_for(&self, matches: impl Fn(&Record) -> bool) -> Record {
        eventually("the record", async || {
            self.0.lock().unwrap().iter().find(|record| matches(record)).cloned()
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
async fn kafka_delivers_events_and_the_dead_letter_queue_stores_and_replays_malformed_ones() {
    // Without telemetry there is no trace to continue.
    let telemetry = TelemetryConfig {
        log_filter: "notify_svc::delivery=info".into(),
        log_format: LogFormat::Pretty,
        otel_exporter_otlp_endpoint: String::new(),
    };
    let _telemetry = mesh::telemetry::init(&telemetry, "notify-svc").expect("good settings");
    let server = MailServer::start(|_| Response::Usual).await;
    let (brokers, group) =
        (Env::from_env().kafka_brokers(), format!("notify-svc-{}", Uuid::now_v7()));
    let settings = [("kafka-brokers", &*brokers), ("kafka-group", &*group)];
    let service = Service::start_with(&server.url(), &settings).await;
    // The administrator publishes and reads what other services do.
    let kafka = &kafka_config(SETUP);
    let producer = Producer::new(kafka).expect("good settings");

    let listener = Listener::default();
    let listening = CancellationToken::new();
    tokio::spawn({
        let (kafka, group) = (kafka.clone(), Uuid::now_v7().to_string());
        let (listener, producer, until) = (listener.clone(), producer.clone(), listening.clone());
        let (topics, database) = (["mail-state", "user-mail-dlq"], service.app.database.clone());
        async move { consume(&kafka, &group, &topics, &database, listener, producer, until).await }
    });

    // An order causes a mail, and its state is published.
    let recipient = someone();
    let order = order_created(&recipient);
    let malformed = Record { payload: vec![0xff; 9], ..record(&welcome(&someone())) };
    let behind = someone();
    let good = record(&welcome(&behind));
    let good = Record { key: malformed.key.clone(), ..good };
    producer.publish(&[order.clone(), order, malformed.clone(), good]).await.expect("Kafka");
    eventually("the mail", async || server.accepted_for(&recipient).pop()).await;
    let sent = eventually("the result", async || {
        let found = service.list(&recipient).await.pop()?;
        (found.state() == NotificationState::Sent).then_some(found)
    })
    .await;
    // A store beside this test sends its own mail about the same order.
    let of_mail = |record: &Record| {
        MailStateChanged::decode(&*record.payload)
            .ok()
            .filter(|event| event.notification_id == sent.notification_id)
    };
    let state = listener.wait_for(|record| of_mail(record).is_some()).await;
    let event = of_mail(&state).expect("the record matches");
    assert_eq!(event.order_id, sent.order_id);
    assert_eq!((event.state(), event.version), (NotificationState::Sent, 2));
    let trace = state.traceparent.expect("the record has a trace context");
    assert!(trace.contains("0af7651916cd43dd8448eb211c80319c"), "{trace}");

    // A malformed record does not block the one behind it, and is kept.
    eventually("the mail behind it", async || server.accepted_for(&behind).pop()).await;
    let dead = listener.wait_for(|record| record.key == malformed.key).await;
    assert_eq!(dead.payload, malformed.payload);
    assert!(dead.headers.iter().any(|(name, _)| name == "dead-letter-reason"), "{dead:?}");

    // A dead letter that is valid by now causes its mail.
    let late = someone();
    let valid = Record { topic: "user-mail-dlq".into(), ..record(&welcome(&late)) };
    producer.publish(&[valid]).await.expect("Kafka");
    let count = replay_dead_letters(kafka, "user-mail").await.expect("Kafka");
    assert!(count >= 2, "{count}");
    eventually("the mail of the dead letter", async || server.accepted_for(&late).pop()).await;
    assert_eq!(server.accepted_for(&recipient).len(), 1);
    listening.cancel();
    service.process.stop().await;
}

fn welcome(recipient: &str) -> UserMailRequested {
    UserMailRequested {
        event_id: Uuid::now_v7().to_string(),
        user_id: Uuid::now_v7().to_string(),
        email: recipient.into(),
        display_name: "Ann".into(),
        create_time: None,
        email_verified: true,
        mail: Some(Mail::Welcome(WelcomeMail::default())),
    }
}
