//! The access rule of each method, as the contract states it. A new method is covered without a new
//! test.

use mesh::access::Methods;
use tests::{rpc::call, status::reason};

use crate::{
    harness::Service,
    mail_server::{MailServer, Response},
};

#[tokio::test(flavor = "multi_thread")]
async fn every_method_is_for_admins_only() {
    let server = MailServer::start(|_| Response::Usual).await;
    let service = Service::start(&server.url()).await;
    let customer = service.issuer.token(&service.issuer.customer());
    let channel = service.process.channel("gateway", proto::FILE_DESCRIPTOR_SET);
    let methods = Methods::read(proto::FILE_DESCRIPTOR_SET).unwrap();
    let mut tested = 0;
    for (path, method) in methods.iter().filter(|(path, _)| path.starts_with("/shopmesh.notify.")) {
        tested += 1;
        assert_eq!(method.access.role(), Some("admin"), "{path}");
        for (token, expected) in [
            (None, "TOKEN_MISSING"),
            (Some("forged"), "TOKEN_INVALID"),
            (Some(&*customer), "ROLE_REQUIRED"),
        ] {
            let called = call(channel.clone(), path, token, Vec::new()).await;
            assert_eq!(reason(&called.unwrap_err()), expected, "{path}");
        }
    }
    assert!(tested >= 5);
}
