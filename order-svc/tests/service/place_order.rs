//! PlaceOrder end to end, before the product-svc of the store.

use futures::future::join_all;
use order_svc::{
    checkout::resolve_checkouts,
    order::{CustomerId, OrderId},
};
use proto::order::v1::{MailState, OrderState, PlaceOrderRequest, PlaceOrderResponse};
use tests::status::{metadata, reason};
use tonic::Code;
use uuid::Uuid;

use crate::harness::{Shop, Stock, address, eur, number, request};

async fn open() -> (Shop, Stock) {
    let shop = Shop::open().await;
    let stock = Stock::of(&shop);
    (shop, stock)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_shows_what_was_bought_at_the_price_it_was_sold_for_and_takes_the_stock() {
    let (shop, mut stock) = open().await;
    let cup = stock.product(&shop.issuer, "Cup", 5).await;
    let pot = stock.product(&shop.issuer, "Pot", 5).await;
    let asked =
        PlaceOrderRequest { expected_total: Some(eur(750)), ..request(&[(&pot, 1), (&cup, 2)]) };
    let placed = shop.place(&shop.customer, asked).await.unwrap();
    assert!(!placed.replayed);
    let order = placed.order.unwrap();
    let items: Vec<_> = order.items.iter().map(|i| (i.name.as_str(), i.quantity)).collect();
    assert_eq!(items, [("Pot", 1), ("Cup", 2)]);
    assert_eq!(order.total, Some(eur(750)));
    assert_eq!((order.state(), order.mail_state()), (OrderState::Confirmed, MailState::Pending));
    assert_eq!(order.shipping_address, Some(address()));
    assert_eq!(Some(&order.customer_email), shop.customer.email.as_ref());
    assert_eq!(order.history.len(), 1);
    stock.becomes(&shop.issuer, &cup, (3, 0)).await;

    shop.cancel(&shop.customer, &order.order_id).await.unwrap();
    stock.becomes(&shop.issuer, &cup, (5, 0)).await;
    stock.becomes(&shop.issuer, &pot, (5, 0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_id_fifty_times_at_once_is_one_order_and_fifty_equal_replies() {
    let (shop, mut stock) = open().await;
    let cup = stock.product(&shop.issuer, "Cup", 60).await;
    let asked = request(&[(&cup, 1)]);
    let replies = join_all((0..50).map(|_| shop.place(&shop.customer, asked.clone()))).await;
    let replies: Vec<PlaceOrderResponse> = replies.into_iter().map(Result::unwrap).collect();
    assert!(replies.iter().all(|reply| reply.order == replies[0].order));
    assert_eq!(replies.iter().filter(|reply| !reply.replayed).count(), 1);
    assert_eq!(number(&shop.app(), "SELECT count(*) FROM orders").await, 1);
    stock.becomes(&shop.issuer, &cup, (59, 0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_shows_the_order_as_it_was_born() {
    let (shop, mut stock) = open().await;
    let cup = stock.product(&shop.issuer, "Cup", 5).await;
    let asked = request(&[(&cup, 1)]);
    let first = shop.place(&shop.customer, asked.clone()).await.unwrap();
    let id = first.order.clone().unwrap().order_id;
    stock.set_price(&shop.issuer, &cup, 999).await;
    shop.cancel(&shop.customer, &id).await.unwrap();
    let again = shop.place(&shop.customer, asked.clone()).await.unwrap();
    assert_eq!(again, PlaceOrderResponse { replayed: true, ..first });
    assert_eq!(shop.get(&shop.customer, &id).await.unwrap().state(), OrderState::Cancelled);

    let another = shop.place(&shop.issuer.customer(), asked).await.unwrap();
    assert_ne!(another.order.unwrap().order_id, id, "a request_id is its customer's own");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_body_under_a_request_id_is_refused_whatever_differs() {
    let (shop, mut stock) = open().await;
    let cup = stock.product(&shop.issuer, "Cup", 5).await;
    let asked = request(&[(&cup, 1)]);
    shop.place(&shop.customer, asked.clone()).await.unwrap();
    let mut elsewhere = address();
    elsewhere.city = "Hamburg".into();
    for other in [
        PlaceOrderRequest { items: request(&[(&cup, 2)]).items, ..asked.clone() },
        PlaceOrderRequest { shipping_address: Some(elsewhere), ..asked.clone() },
        PlaceOrderRequest { expected_total: Some(eur(250)), ..asked },
    ] {
        let status = shop.place(&shop.customer, other).await.unwrap_err();
        assert_eq!(
            (status.code(), &*reason(&status)),
            (Code::InvalidArgument, "REQUEST_ID_REUSED")
        );
    }
    stock.becomes(&shop.issuer, &cup, (4, 0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_comes_with_its_details_stores_nothing_and_leaves_the_id_free() {
    let (shop, mut stock) = open().await;
    let cup = stock.product(&shop.issuer, "Cup", 1).await;
    let asked = request(&[(&cup, 2)]);
    let short = shop.place(&shop.customer, asked.clone()).await.unwrap_err();
    assert_eq!((short.code(), &*reason(&short)), (Code::FailedPrecondition, "OUT_OF_STOCK"));
    assert_eq!(metadata(&short, "available").as_deref(), Some("1"));

    let nothing = request(&[(&Uuid::now_v7().to_string(), 1)]);
    let unknown = shop.place(&shop.customer, nothing).await.unwrap_err();
    assert_eq!((unknown.code(), &*reason(&unknown)), (Code::NotFound, "PRODUCT_NOT_FOUND"));

    let less = PlaceOrderRequest { items: request(&[(&cup, 1)]).items, ..asked };
    let dear = PlaceOrderRequest { expected_total: Some(eur(249)), ..less.clone() };
    let moved = shop.place(&shop.customer, dear).await.unwrap_err();
    assert_eq!((moved.code(), &*reason(&moved)), (Code::FailedPrecondition, "PRICE_CHANGED"));
    assert_eq!(metadata(&moved, "total_nanos").as_deref(), Some("500000000"));
    assert_eq!(number(&shop.app(), "SELECT count(*) FROM checkouts").await, 0);
    assert_eq!(stock.read(&shop.issuer, &cup).await, (1, 0));

    shop.place(&shop.customer, less).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_that_was_given_up_is_told_so() {
    let (shop, mut stock) = open().await;
    let cup = stock.product(&shop.issuer, "Cup", 5).await;
    let asked = request(&[(&cup, 1)]);
    let request_id = Uuid::try_parse(&asked.request_id).unwrap();
    let id = OrderId::derive(CustomerId(shop.customer.sub), request_id);
    resolve_checkouts(&shop.app(), &[id]).await.unwrap();
    let status = shop.place(&shop.customer, asked).await.unwrap_err();
    assert_eq!((status.code(), &*reason(&status)), (Code::Aborted, "CHECKOUT_ABANDONED"));
    // The hold is not released from here: product-svc asks when it has grown old.
    assert_eq!(stock.read(&shop.issuer, &cup).await, (5, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_buyers_of_a_hundred_units_make_exactly_a_hundred_orders() {
    let (shop, mut stock) = open().await;
    let cup = stock.product(&shop.issuer, "Cup", 100).await;
    let buyers: Vec<_> = (0..300).map(|_| shop.issuer.customer()).collect();
    let placed =
        join_all(buyers.iter().map(|buyer| shop.place(buyer, request(&[(&cup, 1)])))).await;
    let refusals = placed.iter().filter_map(|placed| placed.as_ref().err());
    assert!(refusals.clone().all(|status| reason(status) == "OUT_OF_STOCK"));
    assert_eq!(refusals.count(), 200);
    assert_eq!(number(&shop.app(), "SELECT count(*) FROM orders").await, 100);
    stock.becomes(&shop.issuer, &cup, (0, 0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn items_in_opposite_order_do_not_deadlock() {
    let (shop, mut stock) = open().await;
    let cup = stock.product(&shop.issuer, "Cup", 100).await;
    let pot = stock.product(&shop.issuer, "Pot", 100).await;
    let placed = join_all((0..80).map(|n| {
        let items = if n % 2 == 0 { [(&*cup, 1), (&*pot, 1)] } else { [(&*pot, 1), (&*cup, 1)] };
        shop.place(&shop.customer, request(&items))
    }));
    assert!(placed.await.iter().all(Result::is_ok));
    stock.becomes(&shop.issuer, &pot, (20, 0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_product_svc_the_outcome_is_open() {
    let mut shop = Shop::open().await;
    let config = order_svc::config::Config {
        product_svc_url: "https://localhost:1".parse().unwrap(),
        ..shop.config.clone()
    };
    shop.restart(&config).await;
    let asked = request(&[(&Uuid::now_v7().to_string(), 1)]);
    let status = shop.place(&shop.customer, asked).await.unwrap_err();
    assert_eq!((status.code(), &*reason(&status)), (Code::Unavailable, "PRODUCT_SVC_UNAVAILABLE"));
}
