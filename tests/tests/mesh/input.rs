//! Invalid input to every method: the error reports every bad field.

use bytes::Bytes;
use futures::future::join_all;
use mesh::access::{Access, Methods};
use tests::{
    status::{bad_fields, code_and_reason, reason},
    store::{Protocol, Store, call_raw},
};
use tonic::Code;

/// The required fields of each method: those that an empty message lacks. A new method needs a
/// line.
const REQUIRED_FIELDS: &[(&str, &[&str])] = &[
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
    ("ListAuditEntries", &[]),
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
    ("ResendNotifications", &["states"]),
    ("GetDeliveryStatistics", &[]),
];

/// Methods that respond to an empty message with another error.
const OTHER_ERRORS: &[(&str, &str)] = &[("RefreshSession", "REFRESH_TOKEN_INVALID")];

fn validation_failed() -> (Code, String) {
    (Code::InvalidArgument, "VALIDATION_FAILED".into())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_missing_field_of_an_empty_message_is_reported() {
    let store = Store::shared(Protocol::GrpcWeb);
    let admin = store.admin().await;
    let methods = Methods::read(proto::FILE_DESCRIPTOR_SET).expect("the descriptors are valid");
    for (path, method) in methods.iter() {
        // Logout would end the session of the admin.
        if matches!(method.access, Access::Internal { .. }) || method.name == "Logout" {
            continue;
        }
        let request = admin.request(Bytes::new());
        let response = call_raw(store.channel.clone(), path, request).await;
        if let Some((_, expected)) = OTHER_ERRORS.iter().find(|(name, _)| *name == method.name) {
            assert_eq!(reason(&response.expect_err(path)), *expected, "{path}");
            continue;
        }
        let line = REQUIRED_FIELDS.iter().find(|(name, _)| *name == method.name);
        let (_, required) = line.unwrap_or_else(|| panic!("{path} has no line in REQUIRED_FIELDS"));
        if required.is_empty() {
            response.unwrap_or_else(|status| panic!("{path}: {status:?}"));
            continue;
        }
        let status = response.expect_err(path);
        assert_eq!(code_and_reason(&status), validation_failed(), "{path}: {status:?}");
        let reported = bad_fields(&status);
        for field in *required {
            let nested = format!("{field}.");
            let is_reported = reported.iter().any(|f| f == field || f.starts_with(&nested));
            assert!(is_reported, "{path} does not report {field}: {reported:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_rejects_bytes_that_are_not_a_message() {
    let store = Store::shared(Protocol::GrpcWeb);
    let admin = store.admin().await;
    let methods = Methods::read(proto::FILE_DESCRIPTOR_SET).expect("the descriptors are valid");
    let calls = methods.iter().map(|(path, method)| {
        let request = admin.request(Bytes::from_static(b"\xff\xff\xff\xff\xff\xff"));
        let channel = store.channel.clone();
        async move { (path, method, call_raw(channel, path, request).await) }
    });
    for (path, method, response) in join_all(calls).await {
        let status = response.expect_err(path);
        match method.access {
            Access::Internal { .. } => assert_eq!(status.code(), Code::Unimplemented, "{path}"),
            _ => assert_eq!(code_and_reason(&status), validation_failed(), "{path}: {status:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_method_is_unimplemented() {
    for protocol in [Protocol::Grpc, Protocol::GrpcWeb] {
        let store = Store::shared(protocol);
        for path in ["/shopmesh.order.v1.OrderService/Nothing", "/nothing.v1.Service/Method"] {
            let call = call_raw(store.channel.clone(), path, tonic::Request::new(Bytes::new()));
            let status = call.await.expect_err(path);
            let expected = (Code::Unimplemented, String::new());
            assert_eq!(code_and_reason(&status), expected);
        }
    }
}
