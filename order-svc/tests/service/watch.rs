//! WatchOrder: the order as it is and becomes, to its customer only.

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

use crate::harness::{Shop, execute, new_order, write};

async fn watch(
    shop: &Shop,
    customer: &Claims,
    order_id: &str,
) -> Result<Streaming<WatchOrderResponse>, Status> {
    let request = WatchOrderRequest { order_id: order_id.into() };
    let response = shop.orders.clone().watch_order(shop.issuer.request(customer, request)).await;
    response.map(tonic::Response::into_inner)
}

/// The next message; none at the end.
async fn next(stream: &mut Streaming<WatchOrderResponse>) -> Option<WatchOrderResponse> {
    timeout(PATIENCE, stream.message()).await.expect("something comes").unwrap()
}

/// The first order that is `wanted`, past heartbeats and, beside a whole store, its mail.
async fn news(
    stream: &mut Streaming<WatchOrderResponse>,
    wanted: impl Fn(&Order) -> bool,
) -> Order {
    loop {
        let message = next(stream).await.expect("it goes on");
        assert_ne!(message.heartbeat, message.order.is_some(), "one of the two is set");
        if let Some(order) = message.order.filter(&wanted) {
            return order;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_told_as_it_is_and_as_its_states_change() {
    let shop = Shop::open().await;
    let order = write(&shop.app(), new_order(&shop.customer, &[(1, 2)])).await;
    let id = order.id.to_string();
    let mut stream = watch(&shop, &shop.customer, &id).await.unwrap();
    let first = news(&mut stream, |_| true).await;
    assert_eq!((&first.order_id, first.state()), (&id, OrderState::Confirmed));

    execute(
        &shop.app(),
        &format!("UPDATE checkouts SET mail_state = 'SENT' WHERE order_id = '{id}'"),
    )
    .await;
    let mailed = news(&mut stream, |order| order.mail_state() == MailState::Sent).await;
    assert_eq!(mailed.state(), OrderState::Confirmed);

    shop.ship(&id).await.unwrap();
    let shipped = news(&mut stream, |order| order.state() == OrderState::Shipped).await;
    assert_eq!(shipped, shop.get(&shop.customer, &id).await.unwrap());
    let last = shipped.history.last().unwrap();
    assert_eq!((last.state(), last.actor_role()), (OrderState::Shipped, ActorRole::Admin));
    assert_eq!(last.actor_id, "", "who did it is not a customer's to know");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_order_of_ones_own_can_be_watched() {
    let shop = Shop::open().await;
    let order = write(&shop.app(), new_order(&shop.customer, &[(1, 2)])).await;
    let (own, none) = (order.id.to_string(), Uuid::now_v7().to_string());
    for (customer, id) in
        [(&shop.issuer.customer(), &own), (&shop.admin, &own), (&shop.customer, &none)]
    {
        let refused = watch(&shop, customer, id).await.unwrap_err();
        assert_eq!((refused.code(), &*reason(&refused)), (Code::NotFound, "ORDER_NOT_FOUND"));
    }
    let refused = watch(&shop, &shop.customer, "mine").await.unwrap_err();
    assert_eq!(bad_fields(&refused), ["order_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_well_when_its_token_does() {
    let shop = Shop::open().await;
    let order = write(&shop.app(), new_order(&shop.customer, &[(1, 2)])).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = Claims { exp: now + 3, ..shop.customer.clone() };
    let mut stream = watch(&shop, &claims, &order.id.to_string()).await.unwrap();
    news(&mut stream, |_| true).await;
    while next(&mut stream).await.is_some() {}
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!(now >= claims.exp, "not before");
}
