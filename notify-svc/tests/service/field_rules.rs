//! The field rules of the contract.

use mesh::access::Access;
use tests::field_rules;

use crate::{
    harness::Service,
    mail_server::{MailServer, Response},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_service_applies_the_field_rules_of_the_contract() {
    let server = MailServer::start(|_| Response::Usual).await;
    let service = Service::start(&server.url()).await;
    let channel = service.process.channel("gateway", proto::FILE_DESCRIPTOR_SET);
    let token = service.issuer.token(&service.admin);
    field_rules::compare("shopmesh.notify.", |_: &Access| (channel.clone(), Some(token.clone())))
        .await;
}
