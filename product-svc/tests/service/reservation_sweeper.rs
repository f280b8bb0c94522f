//! The sweeper, which resolves old holds with the order-svc of the store.

use std::time::Duration;

use devstack::{Service, testing::Env};
use product_svc::{clients::Checkouts, reservation::sweeper::sweep_once};
use tests::{eventually, service::channel, status::reason};
use tonic::Code;
use uuid::Uuid;

use crate::harness::Shop;

fn checkouts(order_svc_url: &str) -> Checkouts {
    Checkouts::new(channel("product-svc", order_svc_url, proto::FILE_DESCRIPTOR_SET))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_hold_without_an_order_is_released_for_good() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 3).await;
    let (order_id, items) = (Uuid::now_v7(), [(&*cup.product_id, 2)]);
    shop.reserve(order_id, 1, &items).await.expect("there is enough");
    let checkouts = checkouts(&Env::from_env().service_url(Service::ORDER));
    let sweep = async |age| sweep_once(&shop.database(), &checkouts, age).await;

    let swept = sweep(Duration::from_secs(3600)).await.expect("order-svc responds");
    assert_eq!((swept, shop.stock(&cup.product_id).await), (0, (3, 2, 3)));
    let swept = sweep(Duration::ZERO).await.expect("order-svc responds");
    assert_eq!((swept, shop.stock(&cup.product_id).await), (1, (3, 0, 3)));
    assert_eq!(sweep(Duration::ZERO).await.expect("no hold is left"), 0);

    let abandoned = shop.reserve(order_id, 1, &items).await.expect_err("it has a tombstone");
    assert_eq!((abandoned.code(), &*reason(&abandoned)), (Code::Aborted, "CHECKOUT_ABANDONED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_sweeps_by_itself() {
    let mut shop = Shop::closed().await;
    let mut config = shop.config.clone();
    config.order_svc_url = Env::from_env().service_url(Service::ORDER).parse().expect("a URL");
    config.hold_seconds_max = Duration::from_secs(1);
    shop.restart(&config).await;
    let cup = shop.product("Cup", 3).await;
    shop.reserve(Uuid::now_v7(), 1, &[(&cup.product_id, 2)]).await.expect("there is enough");
    eventually("the hold is released", async || {
        (shop.stock(&cup.product_id).await == (3, 0, 3)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_hold_stays_while_order_svc_is_unavailable() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 3).await;
    let items = [(&*cup.product_id, 2)];
    shop.reserve(Uuid::now_v7(), 1, &items).await.expect("there is enough");
    let checkouts = checkouts("https://localhost:1");
    let swept = sweep_once(&shop.database(), &checkouts, Duration::ZERO).await;
    assert!(swept.is_err());
    assert_eq!(shop.stock(&cup.product_id).await, (3, 2, 3));
}
