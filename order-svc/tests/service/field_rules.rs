//! The field rules of the contract.

use mesh::access::Access;
use tests::field_rules;

use crate::harness::Shop;

#[tokio::test(flavor = "multi_thread")]
async fn the_service_applies_the_field_rules_of_the_contract() {
    let shop = Shop::open().await;
    field_rules::compare("shopmesh.order.", |access| match (access, access.role()) {
        (Access::Internal { callers }, _) => (shop.channel(&callers[0]), None),
        (_, Some("admin")) => (shop.channel("gateway"), Some(shop.issuer.token(&shop.admin))),
        _ => (shop.channel("gateway"), Some(shop.issuer.token(&shop.customer))),
    })
    .await;
}
