//! Resend by filter.

use proto::{
    notify::v1::{
        Notification, NotificationState, ResendNotificationsRequest, ResendNotificationsResponse,
    },
    time::Timestamp,
};
use tests::eventually;
use tonic::Status;

use crate::{
    harness::{Service, order_created, someone},
    mail_server::{MailServer, Response},
};

pub async fn resend_many(
    service: &Service,
    request: ResendNotificationsRequest,
) -> Result<ResendNotificationsResponse, Status> {
    let request = service.issuer.request(&service.admin, request);
    service.client.clone().resend_notifications(request).await.map(tonic::Response::into_inner)
}

/// Starts a service whose mail server rejects recipients that contain "rejected", with a mail to
/// each of `recipients` that was sent or has failed.
async fn service_with(recipients: &[String]) -> Service {
    let server = MailServer::start(|line| {
        if line.contains("rejected") { Response::Reply("550 no") } else { Response::Usual }
    })
    .await;
    let service = Service::start(&server.url()).await;
    let events: Vec<_> = recipients.iter().map(|recipient| order_created(recipient)).collect();
    service.receive(&events).await;
    until_none_is_pending(&service).await;
    service
}

async fn until_none_is_pending(service: &Service) {
    eventually("the results of all mails", async || {
        service.make_due().await;
        (service.statistics().await.pending == 0).then_some(())
    })
    .await;
}

/// Returns the number of resends of the mails to `recipients`.
async fn resend_counts(service: &Service, recipients: &[String]) -> Vec<i32> {
    let mut counts = Vec::new();
    for recipient in recipients {
        counts.push(service.find(recipient).await.resend_count);
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_are_resent_by_each_filter() {
    let names = ["a", "rejected-b", "c", "rejected-d"];
    let all: Vec<_> = names.iter().map(|name| format!("{name}-{}", someone())).collect();
    let service = service_with(&all).await;
    let found: Vec<Notification> = {
        let mut found = Vec::new();
        for recipient in &all {
            found.push(service.find(recipient).await);
        }
        found
    };
    // One minute apart, so that times select some of them.
    let base = chrono::Utc::now().timestamp() - 600;
    for (i, mail) in found.iter().enumerate() {
        let (id, time) = (&mail.notification_id, base + 60 * i as i64);
        let text =
            format!("UPDATE notifications SET created_at = to_timestamp({time}) WHERE id = '{id}'");
        service.execute(&text).await;
    }
    let at = |i: i64| Some(Timestamp { seconds: base + 60 * i, nanos: 0 });
    let (sent, failed) = (NotificationState::Sent.into(), NotificationState::Failed.into());
    let by = |states: &[i32]| ResendNotificationsRequest {
        states: states.to_vec(),
        ..ResendNotificationsRequest::default()
    };
    let mut expected = vec![0; 4];
    for (request, selected) in [
        (by(&[failed]), vec![1, 3]),
        (by(&[sent]), vec![0, 2]),
        (by(&[sent, failed]), vec![0, 1, 2, 3]),
        (ResendNotificationsRequest { recipient: all[2].to_uppercase(), ..by(&[sent]) }, vec![2]),
        (ResendNotificationsRequest { recipient: all[2].clone(), ..by(&[failed]) }, vec![]),
        (
            ResendNotificationsRequest {
                order_id: found[1].order_id.clone(),
                ..by(&[sent, failed])
            },
            vec![1],
        ),
        (ResendNotificationsRequest { start_time: at(2), ..by(&[sent, failed]) }, vec![2, 3]),
        (ResendNotificationsRequest { end_time: at(2), ..by(&[sent, failed]) }, vec![0, 1]),
        (
            ResendNotificationsRequest { start_time: at(0), end_time: at(4), ..by(&[failed]) },
            vec![1, 3],
        ),
    ] {
        let response = resend_many(&service, request.clone()).await.expect("a valid request");
        assert_eq!(response.resent_count as usize, selected.len(), "{request:?}");
        assert_eq!(response.next_page_token, "");
        selected.iter().for_each(|i: &usize| expected[*i] += 1);
        until_none_is_pending(&service).await;
        assert_eq!(resend_counts(&service, &all).await, expected, "{request:?}");
    }
    let statistics = service.statistics().await;
    assert_eq!(statistics.pending + statistics.sent + statistics.failed, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_resends_a_bounded_number_and_the_next_one_continues_behind_them() {
    let all: Vec<_> = (0..3).map(|_| someone()).collect();
    let service = service_with(&all).await;
    // 2,000 copies of a mail, as if they were sent.
    service
        .execute(
            "INSERT INTO notifications \
               SELECT gen_random_uuid(), gen_random_uuid(), kind, recipient, subject, order_id, \
                 payload, traceparent, created_at \
               FROM (SELECT * FROM notifications LIMIT 1) one, generate_series(1, 2000); \
             INSERT INTO deliveries (notification_id, state, sent_at) \
               SELECT id, 'SENT', now() FROM notifications \
               ON CONFLICT DO NOTHING",
        )
        .await;
    let states = vec![NotificationState::Sent.into()];
    let mut request = ResendNotificationsRequest { states, ..Default::default() };
    let mut counts = Vec::new();
    loop {
        let response = resend_many(&service, request.clone()).await.expect("a valid request");
        counts.push(response.resent_count);
        if response.next_page_token.is_empty() {
            break;
        }
        request.page_token = response.next_page_token;
    }
    assert_eq!(counts, [1000, 1000, 3]);
    let twice = "SELECT count(*) FROM deliveries WHERE resend_count <> 1";
    assert_eq!(service.number(twice).await, 0, "each mail is resent once");
    let events = service.number("SELECT count(*) FROM outbox").await;
    assert!(events >= 2003, "{events}");
}
