//! Who may call what.

use mesh::access::Methods;
use proto::notify::v1::{
    GetDeliveryStatisticsRequest, GetNotificationRequest, ListNotificationsRequest,
    ResendNotificationRequest,
};
use tests::{issuer::with_token, status::reason};
use tonic::{Request, Status};

use crate::{
    harness::Desk,
    mail_server::{Answer, MailServer},
};

/// What each method answers to a request with this token, if any.
async fn call_each(desk: &Desk, token: Option<&str>) -> Vec<(&'static str, Status)> {
    fn request<T>(token: Option<&str>, message: T) -> Request<T> {
        match token {
            Some(token) => with_token(token, message),
            None => Request::new(message),
        }
    }
    let mut client = desk.client.clone();
    let get = request(token, GetNotificationRequest::default());
    let list = request(token, ListNotificationsRequest::default());
    let resend = request(token, ResendNotificationRequest::default());
    let statistics = request(token, GetDeliveryStatisticsRequest {});
    let refused = "it is not for everyone";
    vec![
        (
            "GetDeliveryStatistics",
            client.get_delivery_statistics(statistics).await.expect_err(refused),
        ),
        ("GetNotification", client.get_notification(get).await.expect_err(refused)),
        ("ListNotifications", client.list_notifications(list).await.expect_err(refused)),
        ("ResendNotification", client.resend_notification(resend).await.expect_err(refused)),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_is_for_admins_only() {
    let server = MailServer::start(|_| Answer::Usual).await;
    let desk = Desk::open(&server.url()).await;
    let customer = desk.issuer.token(&desk.issuer.customer());
    for (token, refusal) in [
        (None, "TOKEN_MISSING"),
        (Some("forged"), "TOKEN_INVALID"),
        (Some(&*customer), "ROLE_REQUIRED"),
    ] {
        let refused = call_each(&desk, token).await;
        for (method, status) in &refused {
            assert_eq!(reason(status), refusal, "{method}");
        }
        let methods = Methods::read(proto::FILE_DESCRIPTOR_SET).unwrap();
        let own = methods.iter().filter(|(path, _)| path.starts_with("/shopmesh.notify."));
        let mut names: Vec<_> = own
            .inspect(|(path, method)| assert_eq!(method.access.role(), Some("admin"), "{path}"))
            .map(|(_, method)| method.name.as_str())
            .collect();
        names.sort_unstable();
        let called: Vec<_> = refused.iter().map(|(method, _)| *method).collect();
        assert_eq!(called, names, "each is called above");
    }
}
