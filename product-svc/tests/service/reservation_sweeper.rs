//! The sweeper, which resolves old holds with the order-svc of the store.

use std::time::Duration;

use devstack::{Service, testing::Env};
use product_svc::{clients::Checkouts, reservation::sweeper::sweep};
use tests::{database, eventually, service::channel, status::reason};
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
    let sweep = async |age| sweep(&shop.database(), &checkouts, age).await;

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
    let swept = sweep(&shop.database(), &checkouts, Duration::ZERO).await;
    assert!(swept.is_err());
    assert_eq!(shop.stock(&cup.product_id).await, (3, 2, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_that_cannot_be_resolved_delay_no_other() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 300).await;
    // More than one batch of older holds, which this database does not let go of.
    let stuck = format!(
        "INSERT INTO reservations \
             (order_id, fingerprint, product_ids, names, quantities, prices_minor, created_at) \
         SELECT gen_random_uuid(), sha256(''), ARRAY['{id}'::uuid], ARRAY['stuck'], ARRAY[1], \
             ARRAY[250], now() - interval '1 day' FROM generate_series(1, 201); \
         UPDATE inventory SET held = 201 WHERE product_id = '{id}'; \
         ALTER TABLE reservations ADD CHECK (names[1] <> 'stuck' OR state = 'HELD')",
        id = cup.product_id
    );
    database::execute(&shop.database(), &stuck).await;
    shop.reserve(Uuid::now_v7(), 1, &[(&cup.product_id, 2)]).await.expect("there is enough");
    assert_eq!(shop.stock(&cup.product_id).await, (300, 203, 300));

    let checkouts = checkouts(&Env::from_env().service_url(Service::ORDER));
    sweep(&shop.database(), &checkouts, Duration::ZERO).await.expect_err("some are stuck");
    assert_eq!(shop.stock(&cup.product_id).await, (300, 201, 300));
}
