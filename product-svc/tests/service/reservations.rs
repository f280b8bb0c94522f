//! ReserveStock and what settles a hold, against a real database.

use std::time::Duration;

use crate::support::{Shop, eur, reserve};
use futures::future::join_all;
use mesh_data::database::Database;
use product_svc::{
    MIGRATIONS,
    reservation::{OrderId, Outcome},
    settle::write_outcomes,
};
use proto::product::v1::ReserveStockResponse;
use tests::status::{metadata, reason};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

async fn hold(
    shop: &Shop,
    order_id: Uuid,
    body: u8,
    items: &[(&str, i32)],
) -> Result<ReserveStockResponse, Status> {
    let request = reserve(order_id, body, items);
    shop.reservations.clone().reserve_stock(request).await.map(tonic::Response::into_inner)
}

async fn settle(shop: &Shop, outcomes: &[(Uuid, Outcome)]) {
    let database = Database::open(&shop.config.database, &MIGRATIONS).expect("good settings");
    let outcomes: Vec<_> = outcomes.iter().map(|&(id, outcome)| (OrderId(id), outcome)).collect();
    write_outcomes(&database, &outcomes).await.expect("the database is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_tells_names_and_prices_and_is_known_when_it_is_asked_for_again() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 5).await;
    let pot = shop.product("Pot", 5).await;
    let (order_id, items) = (Uuid::now_v7(), [(&*cup.product_id, 2), (&*pot.product_id, 1)]);

    let first = hold(&shop, order_id, 1, &items).await.expect("there is enough");
    let told: Vec<_> = first.items.iter().map(|i| (i.name.as_str(), i.quantity)).collect();
    assert_eq!(told, [("Cup", 2), ("Pot", 1)]);
    assert_eq!(first.total, Some(eur(750)));
    assert!(!first.known);

    let again = hold(&shop, order_id, 1, &items).await.expect("it is held");
    assert_eq!((again.items, again.known), (first.items, true));
    let other = hold(&shop, order_id, 2, &items).await.expect_err("another body");
    assert_eq!((other.code(), &*reason(&other)), (Code::InvalidArgument, "REQUEST_ID_REUSED"));
    assert_eq!(shop.stock(&cup.product_id).await, (5, 2, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_stores_nothing_and_tells_every_shortage() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 5).await;
    let pot = shop.product("Pot", 1).await;
    let pan = shop.product("Pan", 0).await;
    let order_id = Uuid::now_v7();
    let items = [(&*cup.product_id, 2), (&*pot.product_id, 2), (&*pan.product_id, 1)];

    let refused = hold(&shop, order_id, 1, &items).await.expect_err("two are short");
    assert_eq!((refused.code(), &*reason(&refused)), (Code::FailedPrecondition, "OUT_OF_STOCK"));
    assert_eq!(metadata(&refused, "product_id"), Some(pot.product_id.clone()));
    assert_eq!(metadata(&refused, "available").as_deref(), Some("1"));
    let details = refused.get_error_details();
    let violations = &details.precondition_failure().expect("it is described").violations;
    let subjects: Vec<_> = violations.iter().map(|v| v.subject.as_str()).collect();
    assert_eq!(subjects, [&*pot.product_id, &*pan.product_id]);
    assert_eq!(shop.stock(&cup.product_id).await, (5, 0, 5));

    // The same id may come again, with another body.
    hold(&shop, order_id, 2, &items[..1]).await.expect("nothing was stored");
    let unknown = hold(&shop, Uuid::now_v7(), 1, &[(&Uuid::nil().to_string(), 1)]).await;
    assert_eq!(reason(&unknown.expect_err("there is no such product")), "PRODUCT_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_price_is_told_with_the_new_total() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 5).await;
    let mut request = reserve(Uuid::now_v7(), 1, &[(&cup.product_id, 2)]);
    request.expected_total = Some(eur(499));
    let refused = shop.reservations.reserve_stock(request.clone()).await.expect_err("5.00");
    assert_eq!((refused.code(), &*reason(&refused)), (Code::FailedPrecondition, "PRICE_CHANGED"));
    assert_eq!(metadata(&refused, "total_units").as_deref(), Some("5"));
    request.expected_total = Some(eur(500));
    shop.reservations.reserve_stock(request).await.expect("the total is right");
}

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_requests_for_a_hundred_units_hold_exactly_a_hundred() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 100).await;
    let items = [(&*cup.product_id, 1)];
    let requests = (0..300).map(|_| hold(&shop, Uuid::now_v7(), 1, &items));
    let answers = join_all(requests).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 100);
    let refusals = answers.into_iter().filter_map(Result::err);
    assert!(refusals.into_iter().all(|refusal| reason(&refusal) == "OUT_OF_STOCK"));
    assert_eq!(shop.stock(&cup.product_id).await, (100, 100, 100));
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_equal_requests_at_once_make_one_hold() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 60).await;
    let (order_id, items) = (Uuid::now_v7(), [(&*cup.product_id, 2)]);
    let answers = join_all((0..50).map(|_| hold(&shop, order_id, 1, &items))).await;
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
    let config = shop.config.clone();
    let replica = tests::service::InProcess::start(|listeners, process| {
        product_svc::run(config, listeners, process)
    })
    .await;
    let channel = replica.channel("order-svc", proto::FILE_DESCRIPTOR_SET);
    let other =
        proto::product::v1::reservation_service_client::ReservationServiceClient::new(channel);
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
async fn events_settle_a_hold_once_however_often_and_in_whatever_order_they_come() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 10).await;
    let orders: Vec<_> = (0..4).map(|_| Uuid::now_v7()).collect();
    for order_id in &orders {
        hold(&shop, *order_id, 1, &[(&cup.product_id, 2)]).await.expect("there is enough");
    }
    use Outcome::{Abandoned, Cancelled, Placed};
    settle(&shop, &[(orders[0], Placed), (orders[0], Placed), (orders[1], Cancelled)]).await;
    settle(&shop, &[(orders[1], Placed), (orders[2], Abandoned), (orders[0], Abandoned)]).await;
    // Order 0 took its two; 1 was cancelled before it was seen; 2 was given up; 3 holds.
    assert_eq!(shop.stock(&cup.product_id).await, (8, 2, 8));
    settle(&shop, &[(orders[0], Cancelled), (orders[0], Cancelled), (Uuid::now_v7(), Placed)])
        .await;
    assert_eq!(shop.stock(&cup.product_id).await, (10, 2, 10));

    let abandoned = hold(&shop, orders[2], 7, &[(&cup.product_id, 1)]).await;
    let abandoned = abandoned.expect_err("whatever the body");
    assert_eq!((abandoned.code(), &*reason(&abandoned)), (Code::Aborted, "CHECKOUT_ABANDONED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_order_svc_may_hold_stock() {
    let shop = Shop::open().await;
    let gateway = shop.service.channel("gateway", proto::FILE_DESCRIPTOR_SET);
    let mut client =
        proto::product::v1::reservation_service_client::ReservationServiceClient::new(gateway);
    let request = reserve(Uuid::now_v7(), 1, &[(&Uuid::nil().to_string(), 1)]);
    let refused = client.reserve_stock(request).await.expect_err("the gateway may not");
    assert_eq!(
        (refused.code(), &*reason(&refused)),
        (Code::PermissionDenied, "CALLER_NOT_ALLOWED")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_hold_stays_while_order_svc_cannot_be_asked() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 3).await;
    hold(&shop, Uuid::now_v7(), 1, &[(&cup.product_id, 2)]).await.expect("there is enough");
    let nobody =
        tests::service::channel("product-svc", "https://localhost:1", proto::FILE_DESCRIPTOR_SET);
    let checkouts = product_svc::clients::Checkouts::new(nobody);
    let database = Database::open(&shop.config.database, &MIGRATIONS).expect("good settings");
    let swept = product_svc::settle::sweep_once(&database, &checkouts, Duration::ZERO).await;
    assert!(swept.is_err());
    assert_eq!(shop.stock(&cup.product_id).await, (3, 2, 3));
}
