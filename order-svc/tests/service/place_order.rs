//! PlaceOrder with the product-svc of the store.

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
async fn an_order_has_items_and_prices_of_the_sale_and_takes_the_stock() {
    let (shop, mut stock) = open().await;
    let cup = stock.product(&shop.issuer, "Cup", 5).await;
    let pot = stock.product(&shop.issuer, "Pot", 5).await;
    let purchase =
        PlaceOrderRequest { expected_total: Some(eur(750)), ..request(&[(&pot, 1), (&cup, 2)]) };
    let placed = shop.place(&shop.customer, purchase).await.unwrap();
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
async fn fifty_requests_with_one_request_id_get_one_order_and_equal_responses() {
    let (shop, mut stock) = open().await;
    let cup = stock.product(&shop.issuer, "Cup", 60).await;
    let purchase = request(&[(&cup, 1)]);
    let responses = join_all((0..50).map(|_| shop.place(&shop.customer, purchase.clone()))).await;
    let responses: Vec<PlaceOrderResponse> = responses.into_iter().map(Result::unwrap).collect();
    assert!(responses.iter().all(|response| response.order == responses[0].order));
    assert_eq!(responses.iter().filter(|response| !response.replayed).count(), 1);
    assert_eq!(number(&shop.app(), "SELECT count(*) FROM orders").await, 1);
    stock.becomes(&shop.issuer, &cup, (59, 0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_returns_the_order_in_its_initial_state() {
    let (shop, mut stock) = open().await;
    let cup = stock.product(&shop.issuer, "Cup", 5).await;
    let purchase = request(&[(&cup, 1)]);
    let first = shop.place(&shop.customer, purchase.clone()).await.unwrap();
    let id = first.order.clone().unwrap().order_id;
    stock.set_price(&shop.issuer, &cup, 999).await;
    shop.cancel(&shop.customer, &id).await.unwrap();
    let again = shop.place(&shop.customer, purchase.clone()).await.unwrap();
    assert_eq!(again, PlaceOrderResponse { replayed: true, ..first });
    assert_eq!(shop.get(&shop.customer, &id).await.unwrap().state(), OrderState::Cancelled);

    let another = shop.place(&shop.issuer.customer(), purchase).await.unwrap();
    assert_ne!(another.order.unwrap().order_id, id, "a request_id belongs to one customer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_with_any_other_contents_is_rejected() {
    let (shop, mut stock) = open().await;
    let cup = stock.product(&shop.issuer, "Cup", 5).await;
    let purchase = request(&[(&cup, 1)]);
    shop.place(&shop.customer, purchase.clone()).await.unwrap();
    let mut elsewhere = address();
    elsewhere.city = "Hamburg".into();
    for other in [
        PlaceOrderRequest { items: request(&[(&cup, 2)]).items, ..purchase.clone() },
        PlaceOrderRequest { shipping_address: Some(elsewhere), ..purchase.clone() },
        PlaceOrderRequest { expected_total: Some(eur(250)), ..purchase },
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
async fn a_rejection_has_its_details_stores_nothing_and_leaves_the_id_free() {
    let (shop, mut stock) = open().await;
    let cup = stock.product(&shop.issuer, "Cup", 1).await;
    let purchase = request(&[(&cup, 2)]);
    let short = shop.place(&shop.customer, purchase.clone()).await.unwrap_err();
    assert_eq!((short.code(), &*reason(&short)), (Code::FailedPrecondition, "OUT_OF_STOCK"));
    assert_eq!(metadata(&short, "available").as_deref(), Some("1"));

    let unknown = request(&[(&Uuid::now_v7().to_string(), 1)]);
    let unknown = shop.place(&shop.customer, unknown).await.unwrap_err();
    assert_eq!((unknown.code(), &*reason(&unknown)), (Code::NotFound, "PRODUCT_NOT_FOUND"));

    let less = PlaceOrderRequest { items: request(&[(&cup, 1)]).items, ..purchase };
    let low = PlaceOrderRequest { expected_total: Some(eur(249)), ..less.clone() };
    let changed = shop.place(&shop.customer, low).await.unwrap_err();
    assert_eq!((changed.code(), &*reason(&changed)), (Code::FailedPrecondition, "PRICE_CHANGED"));
    assert_eq!(metadata(&changed, "total_nanos").as_deref(), Some("500000000"));
    assert_eq!(number(&shop.app(), "SELECT count(*) FROM checkouts").await, 0);
    assert_eq!(stock.read(&shop.issuer, &cup).await, (1, 0));

    shop.place(&shop.customer, less).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_checkout_is_reported() {
    let (shop, mut stock) = open().await;
    let cup = stock.product(&shop.issuer, "Cup", 5).await;
    let purchase = request(&[(&cup, 1)]);
    let request_id = Uuid::try_parse(&purchase.request_id).unwrap();
    let id = OrderId::derive(CustomerId(shop.customer.sub), request_id);
    resolve_checkouts(&shop.app(), &[id]).await.unwrap();
    let status = shop.place(&shop.customer, purchase).await.unwrap_err();
    assert_eq!((status.code(), &*reason(&status)), (Code::Aborted, "CHECKOUT_ABANDONED"));
    // order-svc does not release the hold: the sweeper of product-svc does.
    assert_eq!(stock.read(&shop.issuer, &cup).await, (5, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_customers_buy_exactly_a_hundred_units() {
    let (shop, mut stock) = open().await;
    let cup = stock.product(&shop.issuer, "Cup", 100).await;
    let customers: Vec<_> = (0..300).map(|_| shop.issuer.customer()).collect();
    let placed =
        join_all(customers.iter().map(|customer| shop.place(customer, request(&[(&cup, 1)]))))
            .await;
    let rejections = placed.iter().filter_map(|placed| placed.as_ref().err());
    assert!(rejections.clone().all(|status| reason(status) == "OUT_OF_STOCK"));
    assert_eq!(rejections.count(), 200);
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
async fn without_product_svc_the_outcome_is_unknown() {
    let mut shop = Shop::open().await;
    let config = order_svc::Config {
        product_svc_url: "https://localhost:1".parse().unwrap(),
        ..shop.config.clone()
    };
    shop.restart(&config).await;
    let purchase = request(&[(&Uuid::now_v7().to_string(), 1)]);
    let status = shop.place(&shop.customer, purchase).await.unwrap_err();
    assert_eq!((status.code(), &*reason(&status)), (Code::Unavailable, "PRODUCT_SVC_UNAVAILABLE"));
}
