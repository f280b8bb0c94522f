//! Access to each method, as the contract states it. A new method is covered without a new test.

use mesh::access::{Access, Methods};
use tests::{rpc::call, status::reason};

use crate::harness::Shop;

#[tokio::test(flavor = "multi_thread")]
async fn every_method_rejects_callers_that_the_contract_does_not_name() {
    let shop = Shop::open().await;
    let methods = Methods::read(proto::FILE_DESCRIPTOR_SET).expect("descriptors");
    let customer = shop.issuer.token(&shop.customer);
    let mut expired = shop.admin.clone();
    (expired.iat, expired.exp) = (expired.iat - 700, expired.iat - 100);
    let expired = shop.issuer.token(&expired);
    let (mut public, mut internal, mut admin) = (0, 0, 0);
    for (path, method) in methods.iter().filter(|(path, _)| path.starts_with("/shopmesh.product."))
    {
        let answer = async |caller, token: Option<&str>| match call(
            shop.channel(caller),
            path,
            token,
            Vec::new(),
        )
        .await
        {
            Ok(()) => "OK".to_owned(),
            Err(status) => reason(&status),
        };
        match &method.access {
            Access::Public => {
                public += 1;
                let answer = answer("gateway", None).await;
                assert!(["OK", "VALIDATION_FAILED"].contains(&&*answer), "{path}: {answer}");
            }
            Access::Roles(_) => {
                admin += 1;
                assert_eq!(method.access.role(), Some("admin"), "{path}");
                assert_eq!(answer("gateway", None).await, "TOKEN_MISSING", "{path}");
                assert_eq!(answer("gateway", Some("no")).await, "TOKEN_INVALID", "{path}");
                assert_eq!(answer("gateway", Some(&expired)).await, "TOKEN_EXPIRED", "{path}");
                assert_eq!(answer("gateway", Some(&customer)).await, "ROLE_REQUIRED", "{path}");
            }
            Access::Internal { callers } => {
                internal += 1;
                assert_eq!(callers, &["order-svc"], "{path}");
                assert_eq!(answer("gateway", None).await, "CALLER_NOT_ALLOWED", "{path}");
                assert_eq!(answer("order-svc", None).await, "VALIDATION_FAILED", "{path}");
            }
            Access::Nobody => panic!("{path} has no access option"),
        }
    }
    assert!(public >= 5 && internal >= 1 && admin >= 9, "{public}, {internal}, {admin}");
}
