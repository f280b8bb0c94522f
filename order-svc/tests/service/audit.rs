//! The audit entries of the calls of admins.

use proto::order::v1::CancelAnyOrderRequest;
use tests::{audit::Trail, status::reason};

use crate::harness::{Shop, insert, new_order};

#[tokio::test(flavor = "multi_thread")]
async fn each_change_by_an_admin_leaves_one_entry_and_a_repetition_none() {
    let shop = Shop::open().await;
    let actor = shop.admin.sub;
    let mut trail = Trail::begin(shop.app().database).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let order = insert(&shop.app(), new_order(&shop.customer, &[(1, 2)])).await;
        ids.push(order.id.to_string());
    }
    trail.expect_none().await;

    shop.ship(&ids[0]).await.unwrap();
    let subject = format!("order {}", ids[0]);
    trail.expect("ShipOrder", actor, &subject, "state: CONFIRMED → SHIPPED").await;
    let shipped = shop.ship(&ids[0]).await.unwrap_err();
    assert_eq!(reason(&shipped), "ORDER_NOT_SHIPPABLE");
    trail.expect_none().await;

    let cancel = async || {
        let request = CancelAnyOrderRequest { order_id: ids[1].clone() };
        let request = shop.issuer.request(&shop.admin, request);
        shop.all_orders.clone().cancel_any_order(request).await.unwrap();
    };
    cancel().await;
    let subject = format!("order {}", ids[1]);
    trail.expect("CancelAnyOrder", actor, &subject, "state: CONFIRMED → CANCELLED").await;
    cancel().await;
    trail.expect_none().await;

    // A customer is no admin, whatever the operation.
    shop.cancel(&shop.customer, &ids[2]).await.unwrap();
    trail.expect_none().await;
    trail.expect_all_methods("shopmesh.order.v1");
}
