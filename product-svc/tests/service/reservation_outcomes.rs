//! Outcomes of checkouts, applied to reservations, stock and ledger.

use product_svc::{
    inventory::OrderId,
    reservation::{Outcome, outcomes::apply_outcomes},
};
use tests::status::reason;
use tonic::Code;
use uuid::Uuid;

use crate::harness::Shop;

async fn apply(shop: &Shop, outcomes: &[(Uuid, Outcome)]) {
    let outcomes: Vec<_> = outcomes.iter().map(|&(id, outcome)| (OrderId(id), outcome)).collect();
    apply_outcomes(&shop.database(), &outcomes).await.expect("the database responds");
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_apply_once_however_often_and_in_whatever_order_they_arrive() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 10).await;
    let orders: Vec<_> = (0..4).map(|_| Uuid::now_v7()).collect();
    for order_id in &orders {
        shop.reserve(*order_id, 1, &[(&cup.product_id, 2)]).await.expect("there is enough");
    }
    use Outcome::{Abandoned, Cancelled, Placed};
    apply(&shop, &[(orders[0], Placed), (orders[0], Placed), (orders[1], Cancelled)]).await;
    apply(&shop, &[(orders[1], Placed), (orders[2], Abandoned), (orders[0], Abandoned)]).await;
    // Order 0 took its two, 1 was cancelled before it was placed, 2 was abandoned, 3 holds.
    assert_eq!(shop.stock(&cup.product_id).await, (8, 2, 8));
    apply(&shop, &[(orders[0], Cancelled), (orders[0], Cancelled), (Uuid::now_v7(), Placed)]).await;
    assert_eq!(shop.stock(&cup.product_id).await, (10, 2, 10));

    let abandoned = shop.reserve(orders[2], 7, &[(&cup.product_id, 1)]).await;
    let abandoned = abandoned.expect_err("whatever the body");
    assert_eq!((abandoned.code(), &*reason(&abandoned)), (Code::Aborted, "CHECKOUT_ABANDONED"));
}
