//! The field rules of the contract.

use mesh::access::Access;
use tests::field_rules;

use crate::harness::start;

#[tokio::test(flavor = "multi_thread")]
async fn the_service_applies_the_field_rules_of_the_contract() {
    let service = start().await;
    let admin = service.admin("admin@example.com").await.access_token;
    let channel = service.process.channel("gateway", proto::FILE_DESCRIPTOR_SET);
    field_rules::compare("shopmesh.user.", |access| match access {
        Access::Public => (channel.clone(), None),
        Access::Internal { callers } => {
            (service.process.channel(&callers[0], proto::FILE_DESCRIPTOR_SET), None)
        }
        _ => (channel.clone(), Some(admin.clone())),
    })
    .await;
}
