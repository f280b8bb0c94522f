//! The guarantees of a checkout under concurrency.

use futures::future::join_all;
use proto::order::v1::PlaceOrderRequest;
use tests::{
    status::{code_and_reason, metadata, reason},
    store::{Protocol, Store, place_order},
};
use tonic::Code;

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_checkouts_of_a_hundred_units_place_exactly_a_hundred_orders() {
    let store = Store::shared(Protocol::Grpc);
    let admin = store.admin().await;
    let cup = store.product(&admin, 250, 100).await;
    let pat = store.customer().await;
    let checkouts = (0..300).map(|_| {
        let (mut orders, request) =
            (store.orders(), pat.request(place_order(&[(&cup.product_id, 1)])));
        async move { orders.place_order(request).await }
    });
    let results = join_all(checkouts).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 100);
    for error in results.into_iter().filter_map(Result::err) {
        let expected = (Code::FailedPrecondition, "OUT_OF_STOCK".into());
        assert_eq!(code_and_reason(&error), expected);
        assert_eq!(metadata(&error, "product_id"), Some(cup.product_id.clone()));
    }
    store.wait_for_stock(&admin, &cup.product_id, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_concurrent_calls_with_one_request_id_place_one_order_and_return_it_to_all() {
    let store = Store::shared(Protocol::Grpc);
    let admin = store.admin().await;
    let cup = store.product(&admin, 250, 100).await;
    let pat = store.customer().await;
    let request = place_order(&[(&cup.product_id, 2)]);
    let attempts = (0..50).map(|_| {
        let (mut orders, request) = (store.orders(), pat.request(request.clone()));
        async move { orders.place_order(request).await.expect("it is in stock").into_inner() }
    });
    let responses = join_all(attempts).await;
    assert_eq!(responses.iter().filter(|response| !response.replayed).count(), 1);
    assert!(responses.iter().all(|response| response.order == responses[0].order));
    store.wait_for_stock(&admin, &cup.product_id, 98).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_accepts_one_order_request_and_a_rejected_one_can_be_corrected() {
    let store = Store::shared(Protocol::GrpcWeb);
    let admin = store.admin().await;
    let cup = store.product(&admin, 250, 1).await;
    let pat = store.customer().await;
    let place = async |request: &PlaceOrderRequest| {
        store.orders().place_order(pat.request(request.clone())).await.map(|r| r.into_inner())
    };
    let mut request = place_order(&[(&cup.product_id, 2)]);
    let short = place(&request).await.expect_err("one unit is available");
    assert_eq!(reason(&short), "OUT_OF_STOCK");
    assert_eq!(metadata(&short, "available").as_deref(), Some("1"));
    request.items[0].quantity = 1;
    request.expected_total = Some(proto::money::from_minor(249, "EUR"));
    let outdated = place(&request).await.expect_err("the current price is 2.50");
    assert_eq!(reason(&outdated), "PRICE_CHANGED");
    assert_eq!(metadata(&outdated, "total_nanos").as_deref(), Some("500000000"));
    request.expected_total = Some(proto::money::from_minor(250, "EUR"));
    let first = place(&request).await.expect("the request is valid");
    let replay = place(&request).await.expect("the order exists");
    assert_eq!((first.order, true), (replay.order, replay.replayed));
    request.items[0].quantity = 2;
    let reused = place(&request).await.expect_err("the request differs");
    let expected = (Code::InvalidArgument, "REQUEST_ID_REUSED".into());
    assert_eq!(code_and_reason(&reused), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn line_items_in_opposite_order_do_not_deadlock() {
    let store = Store::shared(Protocol::Grpc);
    let admin = store.admin().await;
    let cup = store.product(&admin, 250, 200).await;
    let pot = store.product(&admin, 900, 200).await;
    let pat = store.customer().await;
    let checkouts = (0..120).map(|i| {
        let mut items = [(&*cup.product_id, 1), (&*pot.product_id, 1)];
        if i % 2 == 1 {
            items.reverse();
        }
        let (mut orders, request) = (store.orders(), pat.request(place_order(&items)));
        async move { orders.place_order(request).await }
    });
    for result in join_all(checkouts).await {
        result.expect("the stock of both is available");
    }
}
