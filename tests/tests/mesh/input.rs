//! Bad input to every method: a clear error that tells every bad field, and nothing
//! else happens.

use bytes::Bytes;
use futures::future::join_all;
use mesh::access::{Access, Methods};
use tests::{
    status::{bad_fields, reason},
    store::{Protocol, Store, call_raw},
};
use tonic::Code;

/// What an empty message lacks, by method; nothing where it is a good one. A new
/// method without a line here fails.
const LACKING: &[(&str, &[&str])] = &[
    ("SignUp", &["email", "password", "display_name"]),
    ("Login", &["email", "password"]),
    ("ExchangeClientCredentials", &["client_id", "client_secret"]),
    ("GetCurrentUser", &[]),
    ("Logout", &[]),
    ("UpdateCurrentUser", &["update_mask"]),
    ("ChangePassword", &["current_password", "new_password"]),
    ("RequestPasswordReset", &["email"]),
    ("ResetPassword", &["token", "new_password"]),
    ("RequestEmailVerification", &["email"]),
    ("VerifyEmail", &["token"]),
    ("ListSessions", &[]),
    ("RevokeSession", &["session_id"]),
    ("ListUsers", &[]),
    ("SetUserRole", &["user_id", "role"]),
    ("DisableUser", &["user_id"]),
    ("EnableUser", &["user_id"]),
    ("CreateApiClient", &["name", "role"]),
    ("ListApiClients", &[]),
    ("RevokeApiClient", &["client_id"]),
    ("ListProducts", &[]),
    ("GetProduct", &["product_id"]),
    ("BatchGetProducts", &["product_ids"]),
    ("ListCategories", &[]),
    ("WatchStock", &["product_ids"]),
    ("GetAnyProduct", &["product_id"]),
    ("CreateProduct", &["product", "product.sku", "product.name", "product.price"]),
    ("UpdateProduct", &["product.product_id", "update_mask"]),
    ("ArchiveProduct", &["product_id"]),
    ("ImportProducts", &["file"]),
    ("GetInventory", &["product_id"]),
    ("ListInventory", &[]),
    ("UpdateInventory", &["product_id", "request_id", "set_on_hand"]),
    ("ListInventoryChanges", &["product_id"]),
    ("PlaceOrder", &["request_id", "items", "shipping_address"]),
    ("GetOrder", &["order_id"]),
    ("ListOrders", &[]),
    ("CancelOrder", &["order_id"]),
    ("WatchOrder", &["order_id"]),
    ("ListAllOrders", &[]),
    ("GetAnyOrder", &["order_id"]),
    ("CancelAnyOrder", &["order_id"]),
    ("ShipOrder", &["order_id"]),
    ("ExportOrders", &[]),
    ("GetOrderStatistics", &["start_time", "end_time"]),
    ("ListNotifications", &[]),
    ("GetNotification", &["notification_id"]),
    ("ResendNotification", &["notification_id"]),
    ("GetDeliveryStatistics", &[]),
];

/// Methods that an empty message answers with another error.
const OTHERWISE: &[(&str, &str)] = &[("RefreshSession", "REFRESH_TOKEN_INVALID")];

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_message_is_told_every_field_that_it_lacks() {
    let store = Store::shared(Protocol::GrpcWeb);
    let admin = store.admin().await;
    let methods = Methods::read(proto::FILE_DESCRIPTOR_SET).expect("the contract");
    for (path, method) in methods.iter() {
        if matches!(method.access, Access::Internal { .. }) || method.name == "Logout" {
            continue;
        }
        let request = admin.request(Bytes::new());
        let answer = call_raw(store.channel.clone(), path, request).await;
        if let Some((_, want)) = OTHERWISE.iter().find(|(name, _)| *name == method.name) {
            assert_eq!(reason(&answer.expect_err("it lacks something")), *want, "{path}");
            continue;
        }
        let line = LACKING.iter().find(|(name, _)| *name == method.name);
        let (_, lacking) = line.unwrap_or_else(|| panic!("{path} has no line in LACKING"));
        if lacking.is_empty() {
            answer.unwrap_or_else(|status| panic!("{path}: {status:?}"));
            continue;
        }
        let status = answer.expect_err(path);
        assert_eq!(status.code(), Code::InvalidArgument, "{path}: {status:?}");
        assert_eq!(reason(&status), "VALIDATION_FAILED", "{path}");
        let told = bad_fields(&status);
        for field in *lacking {
            let nested = format!("{field}.");
            let is_told = told.iter().any(|f| f == field || f.starts_with(&nested));
            assert!(is_told, "{path} does not tell {field}: {told:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_message_are_refused_by_every_method() {
    let store = Store::shared(Protocol::GrpcWeb);
    let admin = store.admin().await;
    let methods = Methods::read(proto::FILE_DESCRIPTOR_SET).expect("the contract");
    let calls = methods.iter().map(|(path, method)| {
        let request = admin.request(Bytes::from_static(b"\xff\xff\xff\xff\xff\xff"));
        let channel = store.channel.clone();
        async move { (path, method, call_raw(channel, path, request).await) }
    });
    for (path, method, answer) in join_all(calls).await {
        let status = answer.expect_err(path);
        match method.access {
            Access::Internal { .. } => assert_eq!(reason(&status), "METHOD_UNKNOWN", "{path}"),
            _ => {
                assert_eq!(status.code(), Code::InvalidArgument, "{path}: {status:?}");
                assert_eq!(reason(&status), "VALIDATION_FAILED", "{path}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_is_not_there_is_told_as_such() {
    for protocol in [Protocol::Grpc, Protocol::GrpcWeb] {
        let store = Store::shared(protocol);
        for path in ["/shopmesh.order.v1.OrderService/Nothing", "/nothing.v1.Service/Method"] {
            let answer = call_raw(store.channel.clone(), path, tonic::Request::new(Bytes::new()));
            let status = answer.await.expect_err(path);
            assert_eq!((status.code(), &*reason(&status)), (Code::Unimplemented, "METHOD_UNKNOWN"));
        }
    }
}
