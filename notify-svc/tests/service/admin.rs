//! NotificationService.

use proto::notify::v1::{
    GetNotificationRequest, ListNotificationsRequest, ListNotificationsResponse, Notification,
    NotificationState,
};
use tests::{
    eventually,
    status::{bad_fields, reason},
};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{
    harness::{Desk, order_created, someone},
    mail_server::{Answer, MailServer},
};

async fn list(
    desk: &Desk,
    request: ListNotificationsRequest,
) -> Result<ListNotificationsResponse, Status> {
    let request = desk.issuer.request(&desk.admin, request);
    desk.client.clone().list_notifications(request).await.map(tonic::Response::into_inner)
}

fn recipients(notifications: &[Notification]) -> Vec<&str> {
    notifications.iter().map(|notification| notification.recipient.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_are_listed_newest_first_by_page_and_by_each_filter() {
    let server = MailServer::start(|line| match line.contains("refused") {
        true => Answer::Say("550 no"),
        false => Answer::Usual,
    })
    .await;
    let desk = Desk::open(&server.url()).await;
    let names = ["a", "refused-b", "c", "refused-d", "e"];
    let all: Vec<_> = names.iter().map(|name| format!("{name}-{}", someone())).collect();
    for recipient in &all {
        desk.receive(&[order_created(recipient)]).await;
    }
    eventually("all are answered", async || (desk.statistics().await.pending == 0).then_some(()))
        .await;
    let newest_first: Vec<_> = all.iter().rev().map(String::as_str).collect();

    let mut seen = Vec::new();
    let mut request = ListNotificationsRequest { page_size: 2, ..Default::default() };
    loop {
        let page = list(&desk, request.clone()).await.expect("it is good");
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
    let page = list(&desk, failed.clone()).await.expect("it is good");
    assert_eq!(recipients(&page.notifications), [all[3].as_str()]);
    let next = ListNotificationsRequest { page_token: page.next_page_token.clone(), ..failed };
    let page = list(&desk, next).await.expect("it is good");
    assert_eq!(recipients(&page.notifications), [all[1].as_str()]);
    assert_eq!(page.next_page_token, "");

    let order_id = seen[2].order_id.clone();
    let by_order = ListNotificationsRequest { order_id, ..Default::default() };
    let found = list(&desk, by_order).await.expect("it is good").notifications;
    assert_eq!(recipients(&found), [newest_first[2]]);
    assert_eq!(desk.list(&all[0].to_uppercase()).await.len(), 1);
    assert_eq!(desk.list(&someone()).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_field_is_told_at_once() {
    let server = MailServer::start(|_| Answer::Usual).await;
    let desk = Desk::open(&server.url()).await;
    let bad = ListNotificationsRequest {
        page_size: -1,
        page_token: "forged".into(),
        states: vec![NotificationState::Sent.into(), 0, 77],
        order_id: "7".into(),
        recipient: "x".repeat(321),
    };
    let refused = list(&desk, bad).await.expect_err("all are bad");
    assert_eq!((refused.code(), &*reason(&refused)), (Code::InvalidArgument, "VALIDATION_FAILED"));
    let mut fields = bad_fields(&refused);
    fields.sort();
    let all = ["order_id", "page_size", "page_token", "recipient", "states[1]", "states[2]"];
    assert_eq!(fields, all);
    let many = ListNotificationsRequest { states: vec![1; 11], ..Default::default() };
    let refused = list(&desk, many).await.expect_err("these are too many");
    assert_eq!(bad_fields(&refused), ["states"]);
    let refused = desk.resend("7").await.expect_err("this is no id");
    assert_eq!(bad_fields(&refused), ["notification_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_is_not_there_is_not_found() {
    let server = MailServer::start(|_| Answer::Usual).await;
    let desk = Desk::open(&server.url()).await;
    let notification_id = Uuid::now_v7().to_string();
    let refused = desk.resend(&notification_id).await.expect_err("there is none");
    assert_eq!((refused.code(), &*reason(&refused)), (Code::NotFound, "NOTIFICATION_NOT_FOUND"));
    let request = GetNotificationRequest { notification_id };
    let request = desk.issuer.request(&desk.admin, request);
    let refused = desk.client.clone().get_notification(request).await.expect_err("there is none");
    assert_eq!(reason(&refused), "NOTIFICATION_NOT_FOUND");
}
