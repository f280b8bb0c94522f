//! The field rules of the contract.

use mesh::access::Access;
use tests::field_rules;

use crate::harness::Shop;

#[tokio::test(flavor = "multi_thread")]
async fn the_service_applies_the_field_rules_of_the_contract() {
    let shop = Shop::open().await;
    let channel = |caller: &str| shop.channel(caller);
    field_rules::compare("shopmesh.product.", |access| match access {
        Access::Internal { callers } => (channel(&callers[0]), None),
        _ => (channel("gateway"), Some(shop.issuer.token(&shop.admin))),
    })
    .await;
}
