//! Access to single orders, and their one state transition: shipped or cancelled.

use futures::future::join_all;
use order_svc::order::NewOrder;
use prost::Message;
use proto::order::v1::{
    self as pb, ActorRole, CancelAnyOrderRequest, GetAnyOrderRequest, MailState, OrderState,
};
use tests::status::{metadata, reason};
use tonic::{Code, Status};

use crate::harness::{Shop, app_alone, insert, new_order, number};

async fn placed(shop: &Shop) -> String {
    insert(&shop.app(), new_order(&shop.customer, &[(1, 2)])).await.id.to_string()
}

async fn get_any(shop: &Shop, order_id: &str) -> Result<pb::Order, Status> {
    let request = GetAnyOrderRequest { order_id: order_id.into() };
    let request = shop.issuer.request(&shop.admin, request);
    let response = shop.all_orders.clone().get_any_order(request).await;
    response.map(|response| response.into_inner().order.unwrap())
}

async fn cancel_any(shop: &Shop, order_id: &str) -> Result<pb::Order, Status> {
    let request = CancelAnyOrderRequest { order_id: order_id.into() };
    let request = shop.issuer.request(&shop.admin, request);
    let response = shop.all_orders.clone().cancel_any_order(request).await;
    response.map(|response| response.into_inner().order.unwrap())
}

fn states(order: &pb::Order) -> Vec<(OrderState, ActorRole)> {
    order.history.iter().map(|entry| (entry.state(), entry.actor_role())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_of_another_customer_is_not_found() {
    let shop = Shop::open().await;
    let id = placed(&shop).await;
    let stranger = shop.issuer.customer();
    for status in [
        shop.get(&stranger, &id).await.unwrap_err(),
        shop.cancel(&stranger, &id).await.unwrap_err(),
        // An admin is a customer here.
        shop.get(&shop.admin, &id).await.unwrap_err(),
        shop.cancel(&shop.admin, &id).await.unwrap_err(),
    ] {
        assert_eq!((status.code(), &*reason(&status)), (Code::NotFound, "ORDER_NOT_FOUND"));
    }
    let order = shop.get(&shop.customer, &id).await.unwrap();
    assert_eq!(order.state(), OrderState::Confirmed);
    let unknown = get_any(&shop, &uuid::Uuid::nil().to_string()).await.unwrap_err();
    assert_eq!(reason(&unknown), "ORDER_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_sees_the_role_of_an_actor_and_an_admin_sees_its_id() {
    let shop = Shop::open().await;
    let id = placed(&shop).await;
    shop.ship(&id).await.unwrap();
    let want =
        [(OrderState::Confirmed, ActorRole::Customer), (OrderState::Shipped, ActorRole::Admin)];
    let own = shop.get(&shop.customer, &id).await.unwrap();
    assert_eq!(states(&own), want);
    assert!(own.history.iter().all(|entry| entry.actor_id.is_empty()));
    let any = get_any(&shop, &id).await.unwrap();
    assert_eq!(states(&any), want);
    let actors: Vec<_> = any.history.iter().map(|entry| entry.actor_id.clone()).collect();
    assert_eq!(actors, [shop.customer.sub.to_string(), shop.admin.sub.to_string()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_a_cancelled_order_changes_nothing() {
    let shop = Shop::open().await;
    let id = placed(&shop).await;
    let cancelled = shop.cancel(&shop.customer, &id).await.unwrap();
    assert_eq!(cancelled.state(), OrderState::Cancelled);
    assert_eq!(shop.cancel(&shop.customer, &id).await.unwrap(), cancelled);
    let by_admin = cancel_any(&shop, &id).await.unwrap();
    let want = [
        (OrderState::Confirmed, ActorRole::Customer),
        (OrderState::Cancelled, ActorRole::Customer),
    ];
    assert_eq!(states(&by_admin), want);

    let status = shop.ship(&id).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(reason(&status), "ORDER_NOT_SHIPPABLE");
    assert_eq!(metadata(&status, "state").as_deref(), Some("CANCELLED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shipped_order_can_neither_be_cancelled_nor_shipped_again() {
    let shop = Shop::open().await;
    let id = placed(&shop).await;
    assert_eq!(shop.ship(&id).await.unwrap().state(), OrderState::Shipped);
    for (status, want) in [
        (shop.cancel(&shop.customer, &id).await.unwrap_err(), "ORDER_NOT_CANCELLABLE"),
        (cancel_any(&shop, &id).await.unwrap_err(), "ORDER_NOT_CANCELLABLE"),
        (shop.ship(&id).await.unwrap_err(), "ORDER_NOT_SHIPPABLE"),
    ] {
        assert_eq!((status.code(), &*reason(&status)), (Code::FailedPrecondition, want));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_and_shipping_at_the_same_time_has_one_effect() {
    let shop = Shop::open().await;
    let app = shop.app();
    let ids = join_all((0..30).map(|_| placed(&shop))).await;
    let races = ids.iter().map(|id| async {
        tokio::join!(shop.cancel(&shop.customer, id), shop.ship(id), cancel_any(&shop, id))
    });
    for ((cancel, ship, cancel_any), id) in join_all(races).await.into_iter().zip(&ids) {
        let state = get_any(&shop, id).await.unwrap().state();
        assert_eq!(ship.is_ok(), state == OrderState::Shipped);
        assert_eq!(cancel.is_ok(), state == OrderState::Cancelled);
        assert_eq!(cancel_any.is_ok(), state == OrderState::Cancelled);
    }
    assert_eq!(number(&app, "SELECT count(*) FROM order_history").await, 30);
}

#[derive(diesel::QueryableByName)]
struct Event {
    #[diesel(sql_type = diesel::sql_types::Text)]
    topic: String,
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    id: uuid::Uuid,
    #[diesel(sql_type = diesel::sql_types::Binary)]
    payload: Vec<u8>,
}

#[tokio::test(flavor = "multi_thread")]
async fn each_state_transition_has_an_event_with_the_order_after_it() {
    use diesel_async::RunQueryDsl;
    use order_svc::order::{Actor, AdminId, fulfilment};
    let app = app_alone().await;
    let issuer = tests::issuer::Issuer::start().await;
    let customer = issuer.customer();
    let client = mesh::identity::Claims { email: None, ..issuer.customer() };
    let mailed: NewOrder = new_order(&customer, &[(1, 2)]);
    let unmailed = new_order(&client, &[(1, 1)]);
    let unverified = mesh::identity::Claims { email_verified: false, ..issuer.customer() };
    let unverified = new_order(&unverified, &[(1, 1)]);
    let admin = Actor::Admin(AdminId(issuer.admin().sub));
    insert(&app, mailed.clone()).await;
    fulfilment::cancel_order(&app, admin, mailed.id).await.unwrap();
    insert(&app, unmailed.clone()).await;
    fulfilment::ship_order(&app, admin, unmailed.id).await.unwrap();
    insert(&app, unverified.clone()).await;
    fulfilment::ship_order(&app, admin, unverified.id).await.unwrap();

    let mut connection = app.database.connection().await.unwrap();
    let events: Vec<Event> = diesel::sql_query("SELECT topic, id, payload FROM outbox ORDER BY id")
        .get_results(&mut connection)
        .await
        .unwrap();
    let topics: Vec<_> = events.iter().map(|event| event.topic.as_str()).collect();
    let [placed, shipped, cancelled] = ["order-created", "order-shipped", "order-cancelled"];
    assert_eq!(topics, [placed, cancelled, placed, shipped, placed, shipped]);

    let created = pb::OrderCreated::decode(&*events[0].payload).unwrap();
    let order = created.order.unwrap();
    assert_eq!(created.event_id, events[0].id.to_string());
    assert_eq!(Some(created.customer_email), customer.email);
    assert_eq!(created.customer_name, customer.name);
    assert!(created.customer_email_verified);
    assert_eq!((order.state(), order.mail_state()), (OrderState::Confirmed, MailState::Pending));
    assert_eq!(order.order_id, mailed.id.to_string());
    let cancelled = pb::OrderCancelled::decode(&*events[1].payload).unwrap();
    assert!(cancelled.customer_email_verified);
    assert_eq!(cancelled.order.unwrap().history.len(), 2);

    // An API client has no address, so there is no mail.
    let created = pb::OrderCreated::decode(&*events[2].payload).unwrap();
    assert_eq!(created.customer_email, "");
    assert_eq!(created.order.unwrap().mail_state(), MailState::Unspecified);
    let shipped = pb::OrderShipped::decode(&*events[3].payload).unwrap().order.unwrap();
    assert_eq!(shipped.state(), OrderState::Shipped);

    let created = pb::OrderCreated::decode(&*events[4].payload).unwrap();
    assert!(!created.customer_email_verified);
    let shipped = pb::OrderShipped::decode(&*events[5].payload).unwrap();
    assert!(!shipped.customer_email_verified);
}
