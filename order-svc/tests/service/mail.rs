//! Events of topic `mail-state` update the `mail_state` of orders, in any order of arrival.

use mesh_data::{
    consumer::Handler,
    kafka::{Producer, Record},
};
use order_svc::consumer::MailEvents;
use prost::{Message, Name};
use proto::{
    notify::v1::{MailStateChanged, NotificationKind, NotificationState},
    order::v1::MailState,
};
use tests::service::kafka_config;
use uuid::Uuid;

use crate::harness::{Shop, insert, new_order};

fn record(
    order_id: &str,
    kind: NotificationKind,
    state: NotificationState,
    version: i64,
) -> Record {
    let event = MailStateChanged {
        event_id: Uuid::now_v7().to_string(),
        order_id: order_id.into(),
        notification_id: Uuid::nil().to_string(),
        kind: kind.into(),
        state: state.into(),
        version,
        change_time: None,
    };
    Record {
        topic: "mail-state".into(),
        key: order_id.into(),
        message: MailStateChanged::full_name(),
        payload: event.encode_to_vec(),
        traceparent: None,
        headers: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_with_the_greatest_version_determines_the_state_in_any_order() {
    use NotificationKind::{OrderConfirmation, OrderShipped};
    use NotificationState::{Failed, Pending, Sent};
    let shop = Shop::open().await;
    let order = insert(&shop.app(), new_order(&shop.customer, &[(1, 1)])).await;
    let id = order.id.to_string();
    let handler = MailEvents { database: shop.app().database };
    let unknown = Uuid::now_v7().to_string();
    for (batch, want) in [
        (vec![], MailState::Pending),
        (vec![(OrderConfirmation, Sent, 2), (OrderConfirmation, Pending, 1)], MailState::Sent),
        (vec![(OrderConfirmation, Pending, 1), (OrderConfirmation, Failed, 2)], MailState::Sent),
        (vec![(OrderShipped, Failed, 9)], MailState::Sent),
        (vec![(OrderConfirmation, Pending, 4), (OrderConfirmation, Failed, 5)], MailState::Failed),
        (vec![(OrderConfirmation, Sent, 6), (OrderConfirmation, Sent, 6)], MailState::Sent),
    ] {
        let events = batch.into_iter().flat_map(|(kind, state, version)| {
            [record(&id, kind, state, version), record(&unknown, kind, state, version)]
        });
        let events = events.map(|record| handler.decode(&record).unwrap()).collect();
        handler.handle(events).await.unwrap();
        assert_eq!(shop.get(&shop.customer, &id).await.unwrap().mail_state(), want);
    }
    // A replay of the request still returns the initial state.
    assert_eq!(order.mail_state, order_svc::order::MailState::Pending);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_the_topic_updates_the_order() {
    let shop = Shop::open().await;
    let order = insert(&shop.app(), new_order(&shop.customer, &[(1, 1)])).await;
    let id = order.id.to_string();
    let sent = record(&id, NotificationKind::OrderConfirmation, NotificationState::Sent, 2);
    let unreadable = Record { payload: vec![0xff], ..sent.clone() };
    let producer = Producer::new(&kafka_config("notify-svc")).unwrap();
    producer.publish(&[unreadable, sent]).await.unwrap();
    tests::eventually("the mail was sent", async || {
        let order = shop.get(&shop.customer, &id).await.unwrap();
        (order.mail_state() == MailState::Sent).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_decoded_is_an_error() {
    let shop = Shop::open().await;
    let handler = MailEvents { database: shop.app().database };
    let good = record(
        &Uuid::nil().to_string(),
        NotificationKind::OrderConfirmation,
        NotificationState::Sent,
        1,
    );
    assert!(handler.decode(&good).is_ok());
    let unspecified = NotificationState::Unspecified;
    for bad in [
        Record { message: "shopmesh.user.v1.UserMail".into(), ..good.clone() },
        Record { payload: vec![0xff], ..good },
        record("x", NotificationKind::OrderConfirmation, NotificationState::Sent, 1),
        record(&Uuid::nil().to_string(), NotificationKind::OrderConfirmation, unspecified, 1),
    ] {
        assert!(handler.decode(&bad).is_err(), "{bad:?}");
    }
}
