//! ReserveStock: holds, replays, rejections, and many at once.

use futures::future::join_all;
use prost::{Message, Name};
use proto::product::v1::{
    Product, StockShortage, reservation_service_client::ReservationServiceClient,
};
use tests::status::{metadata, reason};
use tonic::{Code, Status};
use tonic_types::{StatusExt, pb};
use uuid::Uuid;

use crate::harness::{Shop, eur, reserve, run};

/// Returns the details of type `StockShortage`.
fn shortages(status: &Status) -> Vec<StockShortage> {
    let details = pb::Status::decode(status.details()).expect("it has details").details;
    let details = details.iter().filter(|any| any.type_url == StockShortage::type_url());
    details.map(|any| StockShortage::decode(&*any.value).expect("a shortage")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_has_names_and_prices_and_a_repeated_request_is_a_replay() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 5).await;
    let pot = shop.product("Pot", 5).await;
    let (order_id, items) = (Uuid::now_v7(), [(&*cup.product_id, 2), (&*pot.product_id, 1)]);

    let first = shop.reserve(order_id, 1, &items).await.expect("there is enough");
    let items_held: Vec<_> = first.items.iter().map(|i| (i.name.as_str(), i.quantity)).collect();
    assert_eq!(items_held, [("Cup", 2), ("Pot", 1)]);
    assert_eq!(first.total, Some(eur(750)));
    assert!(!first.known);

    let again = shop.reserve(order_id, 1, &items).await.expect("it is held");
    assert_eq!((again.items, again.known), (first.items, true));
    let other = shop.reserve(order_id, 2, &items).await.expect_err("another body");
    assert_eq!((other.code(), &*reason(&other)), (Code::InvalidArgument, "REQUEST_ID_REUSED"));
    assert_eq!(shop.stock(&cup.product_id).await, (5, 2, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_stores_nothing_and_reports_every_shortage() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 5).await;
    let pot = shop.product("Pot", 1).await;
    let pan = shop.product("Pan", 0).await;
    let order_id = Uuid::now_v7();
    let items = [(&*cup.product_id, 2), (&*pot.product_id, 2), (&*pan.product_id, 1)];

    let rejected = shop.reserve(order_id, 1, &items).await.expect_err("two are short");
    assert_eq!((rejected.code(), &*reason(&rejected)), (Code::FailedPrecondition, "OUT_OF_STOCK"));
    assert_eq!(metadata(&rejected, "product_id"), Some(pot.product_id.clone()));
    assert_eq!(metadata(&rejected, "available").as_deref(), Some("1"));
    let details = rejected.get_error_details();
    let violations = &details.precondition_failure().expect("it is described").violations;
    let subjects: Vec<_> = violations.iter().map(|v| v.subject.as_str()).collect();
    assert_eq!(subjects, [&*pot.product_id, &*pan.product_id]);
    let shortage = |product: &Product, requested, available| StockShortage {
        product_id: product.product_id.clone(),
        requested,
        available,
    };
    assert_eq!(shortages(&rejected), [shortage(&pot, 2, 1), shortage(&pan, 1, 0)]);
    assert_eq!(shop.stock(&cup.product_id).await, (5, 0, 5));

    // The same id can be used again, with another fingerprint.
    shop.reserve(order_id, 2, &items[..1]).await.expect("nothing was stored");
    let unknown = shop.reserve(Uuid::now_v7(), 1, &[(&Uuid::nil().to_string(), 1)]).await;
    assert_eq!(reason(&unknown.expect_err("there is no such product")), "PRODUCT_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_price_is_rejected_with_the_current_total() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 5).await;
    let mut request = reserve(Uuid::now_v7(), 1, &[(&cup.product_id, 2)]);
    request.expected_total = Some(eur(499));
    let rejected = shop.reservations.reserve_stock(request.clone()).await.expect_err("5.00");
    assert_eq!((rejected.code(), &*reason(&rejected)), (Code::FailedPrecondition, "PRICE_CHANGED"));
    assert_eq!(metadata(&rejected, "total_units").as_deref(), Some("5"));
    request.expected_total = Some(eur(500));
    shop.reservations.reserve_stock(request).await.expect("the total is right");
}

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_requests_for_a_hundred_units_hold_exactly_a_hundred() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 100).await;
    let items = [(&*cup.product_id, 1)];
    let requests = (0..300).map(|_| shop.reserve(Uuid::now_v7(), 1, &items));
    let answers = join_all(requests).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 100);
    let rejections = answers.into_iter().filter_map(Result::err);
    assert!(rejections.into_iter().all(|rejection| reason(&rejection) == "OUT_OF_STOCK"));
    assert_eq!(shop.stock(&cup.product_id).await, (100, 100, 100));
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_equal_requests_at_once_make_one_hold() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 60).await;
    let (order_id, items) = (Uuid::now_v7(), [(&*cup.product_id, 2)]);
    let answers = join_all((0..50).map(|_| shop.reserve(order_id, 1, &items))).await;
    let new = answers.iter().filter(|answer| answer.as_ref().is_ok_and(|held| !held.known));
    assert_eq!(new.count(), 1);
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(shop.stock(&cup.product_id).await, (60, 2, 60));
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_with_items_in_opposite_order_do_not_deadlock_across_replicas() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 400).await;
    let pot = shop.product("Pot", 400).await;
    let replica = run(&shop.config).await;
    let channel = replica.channel("order-svc", proto::FILE_DESCRIPTOR_SET);
    let other = ReservationServiceClient::new(channel);
    let there = [(&*cup.product_id, 1), (&*pot.product_id, 1)];
    let back = [(&*pot.product_id, 1), (&*cup.product_id, 1)];
    let requests = (0..200).map(|i| {
        let items = if i % 2 == 0 { &there } else { &back };
        let mut client = if i % 4 < 2 { shop.reservations.clone() } else { other.clone() };
        let request = reserve(Uuid::now_v7(), 1, items);
        async move { client.reserve_stock(request).await }
    });
    let answers = join_all(requests).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(shop.stock(&pot.product_id).await, (400, 200, 400));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_order_svc_may_hold_stock() {
    let shop = Shop::open().await;
    let mut client = ReservationServiceClient::new(shop.channel("gateway"));
    let request = reserve(Uuid::now_v7(), 1, &[(&Uuid::nil().to_string(), 1)]);
    let rejected = client.reserve_stock(request).await.expect_err("the gateway may not");
    assert_eq!(
        (rejected.code(), &*reason(&rejected)),
        (Code::PermissionDenied, "CALLER_NOT_ALLOWED")
    );
}
