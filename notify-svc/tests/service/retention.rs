//! Retention: what is deleted of old mails, and what stays.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use notify_svc::notification::retention::delete_expired_batch;
use proto::notify::v1::ResendNotificationsRequest;
use tests::status::reason;
use tonic::Code;
use uuid::{NoContext, Timestamp, Uuid};

use crate::{
    harness::{Service, someone},
    mail_server::MailServer,
    resend::resend_many,
};

/// Inserts a mail that was received a number of days ago and has been in `state` for another. Returns
/// its recipient and event id.
async fn insert(service: &Service, state: &str, days: u64, days_in_state: u64) -> (String, Uuid) {
    let recipient = someone();
    let time = SystemTime::now() - Duration::from_secs(days * 86_400);
    let seconds = time.duration_since(UNIX_EPOCH).unwrap().as_secs();
    let id = Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, 0));
    let event_id = Uuid::now_v7();
    let sent_at = if state == "SENT" { "now()" } else { "NULL" };
    let column = state.to_lowercase();
    let text = format!(
        "INSERT INTO notifications (id, event_id, kind, recipient, subject, payload, created_at) \
           VALUES ('{id}', '{event_id}', 'WELCOME', '{recipient}', 'Hi', 'x', \
             to_timestamp({seconds})); \
         INSERT INTO deliveries (notification_id, state, due_at, sent_at, leased_until, claim_id) \
           VALUES ('{id}', '{state}', now() - interval '{days_in_state} days', {sent_at}, \
             CASE '{state}' WHEN 'PENDING' THEN now() + interval '1 day' END, \
             CASE '{state}' WHEN 'PENDING' THEN gen_random_uuid() END); \
         INSERT INTO delivery_attempts VALUES ('{id}', 0, 1, '', 450, '', now()); \
         INSERT INTO delivery_counts ({column}) VALUES (1)"
    );
    service.execute(&text).await;
    (recipient, event_id)
}

#[tokio::test(flavor = "multi_thread")]
async fn contents_and_later_mails_are_deleted_after_they_were_final_for_long_enough() {
    let port = MailServer::free_port().await;
    let service = Service::start(&format!("smtp://127.0.0.1:{port}")).await;
    let mut mails = Vec::new();
    for (state, days, days_in_state, has_content, exists) in [
        ("SENT", 29, 29, true, true),
        ("SENT", 31, 31, false, true),
        ("FAILED", 31, 31, false, true),
        ("SENT", 44, 44, false, true),
        ("PENDING", 60, 60, true, true),
        ("SENT", 46, 46, false, false),
        ("FAILED", 60, 60, false, false),
        // Resent, or retried for long.
        ("SENT", 60, 29, true, true),
        ("FAILED", 60, 44, false, true),
    ] {
        let (recipient, event_id) = insert(&service, state, days, days_in_state).await;
        let mail = format!("{state} {days} {days_in_state}");
        mails.push((recipient, event_id, mail, has_content, exists));
    }
    let policy = service.config.retention.policy();
    assert!(!delete_expired_batch(&service.app.database, &policy).await.unwrap());

    for (recipient, _, mail, has_content, exists) in &mails {
        assert_eq!(!service.list(recipient).await.is_empty(), *exists, "{mail}");
        let length = format!(
            "coalesce((SELECT length(payload) FROM notifications \
                WHERE recipient = '{recipient}'), 0)"
        );
        assert_eq!(service.number(&length).await > 0, *has_content, "{mail}");
    }
    assert_eq!(service.number("SELECT count(*) FROM delivery_attempts").await, 7);
    let statistics = service.statistics().await;
    assert_eq!((statistics.pending, statistics.sent, statistics.failed), (1, 4, 2));

    // A copy of an event is a duplicate as long as its row exists.
    for (_, event_id, mail, _, exists) in &mails {
        let row = format!("SELECT count(*) FROM notifications WHERE event_id = '{event_id}'");
        assert_eq!(service.number(&row).await == 1, *exists, "{mail}");
    }

    // A mail without its content is not resent, neither alone nor by a filter.
    let old = service.find(&mails[1].0).await;
    let error = service.resend(&old.notification_id).await.expect_err("it has no content");
    let expected = (Code::FailedPrecondition, "NOTIFICATION_NOT_RESENDABLE");
    assert_eq!((error.code(), &*reason(&error)), expected);
    assert_eq!(error.message(), "the mail has no content any more");
    let request = ResendNotificationsRequest { states: vec![2, 3], ..Default::default() };
    let response = resend_many(&service, request).await.expect("a valid request");
    assert_eq!(response.resent_count, 2, "those with content");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_backlog_is_deleted_in_bounded_batches() {
    let port = MailServer::free_port().await;
    let service = Service::start(&format!("smtp://127.0.0.1:{port}")).await;
    insert(&service, "SENT", 60, 60).await;
    service
        .execute(
            "INSERT INTO notifications \
               SELECT overlay(gen_random_uuid()::text placing left(id::text, 8) from 1 for 8)::uuid, \
                 gen_random_uuid(), kind, recipient, subject, order_id, payload, traceparent, \
                 created_at \
               FROM notifications, generate_series(1, 1500); \
             INSERT INTO deliveries (notification_id, state, sent_at, due_at) \
               SELECT id, 'SENT', now(), created_at FROM notifications ON CONFLICT DO NOTHING",
        )
        .await;
    let policy = service.config.retention.policy();
    let rows = "SELECT count(*) FROM notifications";
    for (left, may_be_more) in [(501, true), (0, false)] {
        let more = delete_expired_batch(&service.app.database, &policy).await.unwrap();
        assert_eq!((service.number(rows).await, more), (left, may_be_more));
    }
}
