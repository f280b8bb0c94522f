//! The field rules of the contract.

use mesh::access::Access;
use tests::field_rules;

use crate::{
    harness::Desk,
    mail_server::{Answer, MailServer},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_service_applies_the_field_rules_of_the_contract() {
    let server = MailServer::start(|_| Answer::Usual).await;
    let desk = Desk::open(&server.url()).await;
    let channel = desk.service.channel("gateway", proto::FILE_DESCRIPTOR_SET);
    let token = desk.issuer.token(&desk.admin);
    field_rules::compare("shopmesh.notify.", |_: &Access| (channel.clone(), Some(token.clone())))
        .await;
}
