//! Lists and single mails.

use proto::notify::v1::{
    GetNotificationRequest, ListNotificationsRequest, ListNotificationsResponse, Notification,
    NotificationState,
};
use tests::{eventually, status::reason};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{
    harness::{Service, order_created, someone},
    mail_server::{MailServer, Response},
};

pub async fn list(
    service: &Service,
    request: ListNotificationsRequest,
) -> Result<ListNotificationsResponse, Status> {
    let request = service.issuer.request(&service.admin, request);
    service.client.clone().list_notifications(request).await.map(tonic::Response::into_inner)
}

fn recipients(notifications: &[Notification]) -> Vec<&str> {
    notifications.iter().map(|notification| notification.recipient.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_are_listed_newest_first_by_page_and_by_each_filter() {
    let server = MailServer::start(|line| {
        if line.contains("rejected") { Response::Reply("550 no") } else { Response::Usual }
    })
    .await;
    let service = Service::start(&server.url()).await;
    let names = ["a", "rejected-b", "c", "rejected-d", "e"];
    let all: Vec<_> = names.iter().map(|name| format!("{name}-{}", someone())).collect();
    for recipient in &all {
        service.receive(&[order_created(recipient)]).await;
    }
    eventually("the results of all mails", async || {
        (service.statistics().await.pending == 0).then_some(())
    })
    .await;
    let newest_first: Vec<_> = all.iter().rev().map(String::as_str).collect();

    let mut seen = Vec::new();
    let mut request = ListNotificationsRequest { page_size: 2, ..Default::default() };
    loop {
        let page = list(&service, request.clone()).await.expect("the request is valid");
        assert!(page.notifications.len() <= 2);
        seen.extend(page.notifications);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(recipients(&seen), newest_first);

    let failed = ListNotificationsRequest {
        states: vec![NotificationState::Failed.into()],
        page_size: 1,
        ..Default::default()
    };
    let page = list(&service, failed.clone()).await.expect("the request is valid");
    assert_eq!(recipients(&page.notifications), [all[3].as_str()]);
    let next = ListNotificationsRequest { page_token: page.next_page_token.clone(), ..failed };
    let page = list(&service, next).await.expect("the request is valid");
    assert_eq!(recipients(&page.notifications), [all[1].as_str()]);
    assert_eq!(page.next_page_token, "");

    let order_id = seen[2].order_id.clone();
    let by_order = ListNotificationsRequest { order_id, ..Default::default() };
    let found = list(&service, by_order).await.expect("the request is valid").notifications;
    assert_eq!(recipients(&found), [newest_first[2]]);
    assert_eq!(service.list(&all[0].to_uppercase()).await.len(), 1);
    assert_eq!(service.list(&someone()).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_does_not_exist_is_not_found() {
    let server = MailServer::start(|_| Response::Usual).await;
    let service = Service::start(&server.url()).await;
    let notification_id = Uuid::now_v7().to_string();
    let error = service.resend(&notification_id).await.expect_err("the mail does not exist");
    assert_eq!((error.code(), &*reason(&error)), (Code::NotFound, "NOTIFICATION_NOT_FOUND"));
    let request = GetNotificationRequest { notification_id };
    let request = service.issuer.request(&service.admin, request);
    let error = service
        .client
        .clone()
        .get_notification(request)
        .await
        .expect_err("the mail does not exist");
    assert_eq!(reason(&error), "NOTIFICATION_NOT_FOUND");
}
