//! The promises of a checkout, under many buyers at once.

use futures::future::join_all;
use proto::order::v1::PlaceOrderRequest;
use tests::{
    eventually,
    status::{metadata, reason},
    store::{Protocol, Store, place_order},
};
use tonic::Code;

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_buyers_of_a_hundred_units_make_exactly_a_hundred_orders() {
    let store = Store::shared(Protocol::Grpc);
    let admin = store.admin().await;
    let cup = store.product(&admin, 250, 100).await;
    let pat = store.customer().await;
    let buyers = (0..300).map(|_| {
        let (mut orders, request) =
            (store.orders(), pat.request(place_order(&[(&cup.product_id, 1)])));
        async move { orders.place_order(request).await }
    });
    let answers = join_all(buyers).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 100);
    for refusal in answers.into_iter().filter_map(Result::err) {
        let told = (refusal.code(), reason(&refusal));
        assert_eq!(told, (Code::FailedPrecondition, "OUT_OF_STOCK".into()));
        assert_eq!(metadata(&refusal, "product_id"), Some(cup.product_id.clone()));
    }
    eventually("all stock is taken and none held", || async {
        let stock = store.stock(&admin, &cup.product_id).await;
        ((stock.on_hand, stock.held) == (0, 0)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_id_fifty_times_at_once_makes_one_order_and_fifty_equal_replies() {
    let store = Store::shared(Protocol::Grpc);
    let admin = store.admin().await;
    let cup = store.product(&admin, 250, 100).await;
    let pat = store.customer().await;
    let request = place_order(&[(&cup.product_id, 2)]);
    let attempts = (0..50).map(|_| {
        let (mut orders, request) = (store.orders(), pat.request(request.clone()));
        async move { orders.place_order(request).await.expect("there is enough").into_inner() }
    });
    let replies = join_all(attempts).await;
    assert_eq!(replies.iter().filter(|reply| !reply.replayed).count(), 1);
    assert!(replies.iter().all(|reply| reply.order == replies[0].order));
    eventually("one order's stock is taken", || async {
        let stock = store.stock(&admin, &cup.product_id).await;
        ((stock.on_hand, stock.held) == (98, 0)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_with_another_body_is_refused_and_a_refused_one_may_come_again() {
    let store = Store::shared(Protocol::GrpcWeb);
    let admin = store.admin().await;
    let cup = store.product(&admin, 250, 1).await;
    let pat = store.customer().await;
    let place = async |request: &PlaceOrderRequest| {
        store.orders().place_order(pat.request(request.clone())).await.map(|r| r.into_inner())
    };
    let mut request = place_order(&[(&cup.product_id, 2)]);
    let refused = place(&request).await.expect_err("there is one");
    assert_eq!(reason(&refused), "OUT_OF_STOCK");
    assert_eq!(metadata(&refused, "available").as_deref(), Some("1"));
    request.items[0].quantity = 1;
    request.expected_total = Some(proto::money::from_minor(249, "EUR"));
    let moved = place(&request).await.expect_err("it is 2.50");
    assert_eq!(reason(&moved), "PRICE_CHANGED");
    assert_eq!(metadata(&moved, "total_nanos").as_deref(), Some("500000000"));
    request.expected_total = Some(proto::money::from_minor(250, "EUR"));
    let first = place(&request).await.expect("all is right");
    let again = place(&request).await.expect("it is known");
    assert_eq!((first.order, true), (again.order, again.replayed));
    request.items[0].quantity = 2;
    let reused = place(&request).await.expect_err("another body");
    assert_eq!((reused.code(), &*reason(&reused)), (Code::InvalidArgument, "REQUEST_ID_REUSED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn items_in_opposite_order_do_not_deadlock() {
    let store = Store::shared(Protocol::Grpc);
    let admin = store.admin().await;
    let cup = store.product(&admin, 250, 200).await;
    let pot = store.product(&admin, 900, 200).await;
    let pat = store.customer().await;
    let buyers = (0..120).map(|i| {
        let mut items = [(&*cup.product_id, 1), (&*pot.product_id, 1)];
        if i % 2 == 1 {
            items.reverse();
        }
        let (mut orders, request) = (store.orders(), pat.request(place_order(&items)));
        async move { orders.place_order(request).await }
    });
    for answer in join_all(buyers).await {
        answer.expect("there is enough of both");
    }
}
