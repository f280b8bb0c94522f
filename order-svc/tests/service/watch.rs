//! WatchOrder: the current order and its changes, for its customer only.

use std::time::{SystemTime, UNIX_EPOCH};

use mesh::identity::Claims;
use proto::order::v1::{
    ActorRole, MailState, Order, OrderState, WatchOrderRequest, WatchOrderResponse,
};
use tests::{
    PATIENCE,
    status::{bad_fields, reason},
};
use tokio::time::timeout;
use tonic::{Code, Status, Streaming};
use uuid::Uuid;

use crate::harness::{Shop, execute, insert, new_order};

async fn watch(
    shop: &Shop,
    customer: &Claims,
    order_id: &str,
) -> Result<Streaming<WatchOrderResponse>, Status> {
    let request = WatchOrderRequest { order_id: order_id.into() };
    let response = shop.orders.clone().watch_order(shop.issuer.request(customer, request)).await;
    response.map(tonic::Response::into_inner)
}

/// Returns the next response, or none at the end.
async fn next(stream: &mut Streaming<WatchOrderResponse>) -> Option<WatchOrderResponse> {
    timeout(PATIENCE, stream.message()).await.expect("a response").unwrap()
}

/// Returns the next order that is `wanted`. Skips heartbeats and, in a whole store, changes
/// of its mail.
async fn next_order(
    stream: &mut Streaming<WatchOrderResponse>,
    wanted: impl Fn(&Order) -> bool,
) -> Order {
    loop {
        let message = next(stream).await.expect("the stream continues");
        assert_ne!(message.heartbeat, message.order.is_some(), "one of the two is set");
        if let Some(order) = message.order.filter(&wanted) {
            return order;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_current_order_and_each_change_of_its_states_are_sent() {
    let shop = Shop::open().await;
    let order = insert(&shop.app(), new_order(&shop.customer, &[(1, 2)])).await;
    let id = order.id.to_string();
    let mut stream = watch(&shop, &shop.customer, &id).await.unwrap();
    let first = next_order(&mut stream, |_| true).await;
    assert_eq!((&first.order_id, first.state()), (&id, OrderState::Confirmed));

    execute(
        &shop.app(),
        &format!("UPDATE checkouts SET mail_state = 'SENT' WHERE order_id = '{id}'"),
    )
    .await;
    let mailed = next_order(&mut stream, |order| order.mail_state() == MailState::Sent).await;
    assert_eq!(mailed.state(), OrderState::Confirmed);

    shop.ship(&id).await.unwrap();
    let shipped = next_order(&mut stream, |order| order.state() == OrderState::Shipped).await;
    assert_eq!(shipped, shop.get(&shop.customer, &id).await.unwrap());
    let last = shipped.history.last().unwrap();
    assert_eq!((last.state(), last.actor_role()), (OrderState::Shipped, ActorRole::Admin));
    assert_eq!(last.actor_id, "", "a customer does not see which admin it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_watches_only_own_orders() {
    let shop = Shop::open().await;
    let order = insert(&shop.app(), new_order(&shop.customer, &[(1, 2)])).await;
    let (own, none) = (order.id.to_string(), Uuid::now_v7().to_string());
    for (customer, id) in
        [(&shop.issuer.customer(), &own), (&shop.admin, &own), (&shop.customer, &none)]
    {
        let rejected = watch(&shop, customer, id).await.unwrap_err();
        assert_eq!((rejected.code(), &*reason(&rejected)), (Code::NotFound, "ORDER_NOT_FOUND"));
    }
    let rejected = watch(&shop, &shop.customer, "mine").await.unwrap_err();
    assert_eq!(bad_fields(&rejected), ["order_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_ok_when_its_token_expires() {
    let shop = Shop::open().await;
    let order = insert(&shop.app(), new_order(&shop.customer, &[(1, 2)])).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = Claims { exp: now + 3, ..shop.customer.clone() };
    let mut stream = watch(&shop, &claims, &order.id.to_string()).await.unwrap();
    next_order(&mut stream, |_| true).await;
    while next(&mut stream).await.is_some() {}
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!(now >= claims.exp, "not before");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_one_account_leave_live_updates_to_others() {
    let shop = Shop::open().await;
    let order = insert(&shop.app(), new_order(&shop.customer, &[(1, 2)])).await;
    let id = order.id.to_string();
    let mut streams = Vec::new();
    for _ in 0..shop.config.settings.streams.streams_per_client_max {
        streams.push(watch(&shop, &shop.customer, &id).await.unwrap());
    }
    let rejected = watch(&shop, &shop.customer, &id).await.unwrap_err();
    assert_eq!((rejected.code(), &*reason(&rejected)), (Code::ResourceExhausted, "OVERLOADED"));
    let other = shop.issuer.customer();
    let order = insert(&shop.app(), new_order(&other, &[(1, 2)])).await;
    let mut stream = watch(&shop, &other, &order.id.to_string()).await.unwrap();
    assert_eq!(next_order(&mut stream, |_| true).await.order_id, order.id.to_string());
}
