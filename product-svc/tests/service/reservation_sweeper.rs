//! The sweeper, which resolves old holds with order-svc.

use std::time::Duration;

use product_svc::{clients::Checkouts, reservation::sweeper::sweep_once};
use tests::service::channel;
use uuid::Uuid;

use crate::harness::Shop;

fn checkouts(order_svc_url: &str) -> Checkouts {
    Checkouts::new(channel("product-svc", order_svc_url, proto::FILE_DESCRIPTOR_SET))
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
