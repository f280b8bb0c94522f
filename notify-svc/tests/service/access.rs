//! The access rule of each method.

use mesh::access::Methods;
use proto::notify::v1::{
    GetDeliveryStatisticsRequest, GetNotificationRequest, ListNotificationsRequest,
    ResendNotificationRequest, ResendNotificationsRequest,
};
use tests::{issuer::with_token, status::reason};
use tonic::{Request, Status};

use crate::{
    harness::Service,
    mail_server::{MailServer, Response},
};

/// Calls each method with this token, if any, and returns the errors.
async fn call_each(service: &Service, token: Option<&str>) -> Vec<(&'static str, Status)> {
    fn request<T>(token: Option<&str>, message: T) -> Request<T> {
        match token {
            Some(token) => with_token(token, message),
            None => Request::new(message),
        }
    }
    let mut client = service.client.clone();
    let get = request(token, GetNotificationRequest::default());
    let list = request(token, ListNotificationsRequest::default());
    let resend = request(token, ResendNotificationRequest::default());
    let resend_many = request(token, ResendNotificationsRequest::default());
    let statistics = request(token, GetDeliveryStatisticsRequest {});
    let rejected = "the method is for admins only";
    vec![
        (
            "GetDeliveryStatistics",
            client.get_delivery_statistics(statistics).await.expect_err(rejected),
        ),
        ("GetNotification", client.get_notification(get).await.expect_err(rejected)),
        ("ListNotifications", client.list_notifications(list).await.expect_err(rejected)),
        ("ResendNotification", client.resend_notification(resend).await.expect_err(rejected)),
        (
            "ResendNotifications",
            client.resend_notifications(resend_many).await.expect_err(rejected),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_is_for_admins_only() {
    let server = MailServer::start(|_| Response::Usual).await;
    let service = Service::start(&server.url()).await;
    let customer = service.issuer.token(&service.issuer.customer());
    for (token, expected) in [
        (None, "TOKEN_MISSING"),
        (Some("forged"), "TOKEN_INVALID"),
        (Some(&*customer), "ROLE_REQUIRED"),
    ] {
        let errors = call_each(&service, token).await;
        for (method, status) in &errors {
            assert_eq!(reason(status), expected, "{method}");
        }
        let methods = Methods::read(proto::FILE_DESCRIPTOR_SET).unwrap();
        let own = methods.iter().filter(|(path, _)| path.starts_with("/shopmesh.notify."));
        let mut names: Vec<_> = own
            .inspect(|(path, method)| assert_eq!(method.access.role(), Some("admin"), "{path}"))
            .map(|(_, method)| method.name.as_str())
            .collect();
        names.sort_unstable();
        let called: Vec<_> = errors.iter().map(|(method, _)| *method).collect();
        assert_eq!(called, names, "each method is called above");
    }
}
