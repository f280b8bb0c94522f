//! Delivery results: what follows from each kind of reply, and from none.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use prost::Message;
use proto::notify::v1::{MailStateChanged, NotificationState};
use tests::{eventually, status::reason};

use crate::{
    harness::{Service, codes, order_created, someone},
    mail_server::{Encryption, MailServer, Response},
};

const REJECTED: &str = "550 5.1.1 no such mailbox";
const LATER: &str = "451 4.7.1 come back later";

/// Returns the `mail-state` events in the outbox, oldest first.
async fn mail_states(service: &Service) -> Vec<(NotificationState, i64)> {
    use diesel_async::RunQueryDsl;
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Binary)]
        payload: Vec<u8>,
    }
    let mut connection = service.app.database.connection().await.unwrap();
    let rows: Vec<Row> = diesel::sql_query(
        "SELECT payload FROM outbox WHERE topic = 'mail-state' ORDER BY created_at, id",
    )
    .get_results(&mut connection)
    .await
    .unwrap();
    let read = |row: Row| MailStateChanged::decode(&*row.payload).expect("the payload is valid");
    rows.into_iter().map(read).map(|event| (event.state(), event.version)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_mail_fails_publishes_its_state_and_can_be_resent() {
    let fixed = Arc::new(AtomicBool::new(false));
    let server = MailServer::start({
        let fixed = fixed.clone();
        move |line| {
            if line.starts_with("RCPT") && !fixed.load(Ordering::Relaxed) {
                Response::Reply(REJECTED)
            } else {
                Response::Usual
            }
        }
    })
    .await;
    let service = Service::start(&server.url()).await;
    let recipient = someone();
    service.receive(&[order_created(&recipient)]).await;

    let failed = service.until_state(&recipient, NotificationState::Failed).await;
    let [attempt] = &failed.attempts[..] else { panic!("{failed:?}") };
    assert_eq!((attempt.reply_code, &*attempt.reply_text), (550, "5.1.1 no such mailbox"));
    assert_eq!((failed.attempt_count, failed.resend_count), (1, 0));
    assert_eq!(service.statistics().await.failed, 1);

    fixed.store(true, Ordering::Relaxed);
    let resent = service.resend(&failed.notification_id).await.expect("the mail has failed");
    assert_eq!(resent.state(), NotificationState::Pending);
    assert_eq!((resent.attempt_count, resent.resend_count), (0, 1));
    let sent = service.until_state(&recipient, NotificationState::Sent).await;
    assert_eq!(sent.attempts.len(), 2);
    assert_ne!(sent.attempts[0].message_id, sent.attempts[1].message_id);
    let accepted = server.accepted_for(&recipient);
    assert_eq!(accepted.len(), 1);
    assert_eq!(accepted[0].header("Message-ID"), sent.attempts[1].message_id);
    let statistics = service.statistics().await;
    assert_eq!((statistics.pending, statistics.sent, statistics.failed), (0, 1, 0));
    let published = mail_states(&service).await;
    use NotificationState::{Failed, Pending, Sent};
    assert_eq!(published, [(Failed, 2), (Pending, 3), (Sent, 4)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sent_mail_can_be_resent_and_a_pending_one_cannot() {
    let slow = Arc::new(AtomicBool::new(false));
    let server = MailServer::start({
        let slow = slow.clone();
        move |line| {
            if line == "." && slow.load(Ordering::Relaxed) {
                Response::Silence
            } else {
                Response::Usual
            }
        }
    })
    .await;
    let service = Service::start(&server.url()).await;
    let recipient = someone();
    service.receive(&[order_created(&recipient)]).await;
    let sent = service.until_state(&recipient, NotificationState::Sent).await;

    slow.store(true, Ordering::Relaxed);
    service.resend(&sent.notification_id).await.expect("the mail was sent");
    let rejected = service.resend(&sent.notification_id).await.expect_err("the mail is pending");
    assert_eq!(reason(&rejected), "NOTIFICATION_NOT_RESENDABLE");
    let pending = service.find(&recipient).await;
    assert_eq!((pending.state(), pending.resend_count), (NotificationState::Pending, 1));
    assert!(pending.send_time.is_none() && pending.next_attempt_time.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_temporarily_rejected_mail_is_retried_under_the_same_message_id() {
    let mails = Arc::new(AtomicUsize::new(0));
    let server = MailServer::start({
        let mails = mails.clone();
        move |line| {
            if line == "." && mails.fetch_add(1, Ordering::Relaxed) < 2 {
                Response::Reply(LATER)
            } else {
                Response::Usual
            }
        }
    })
    .await;
    let service = Service::start_with(&server.url(), &[("retry-seconds-min", "1")]).await;
    let recipient = someone();
    service.receive(&[order_created(&recipient)]).await;
    service.until(&recipient, |notification| notification.attempt_count == 1).await;
    let sent = service.until_final(&recipient).await;
    assert_eq!(codes(&sent), [451, 451, 250]);
    assert!(sent.attempts.iter().all(|a| a.message_id == sent.attempts[0].message_id));
    assert_eq!(mail_states(&service).await, [(NotificationState::Sent, 2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_temporarily_rejected_mail_is_retried_for_days_and_then_fails() {
    let server = MailServer::start(|line| {
        if line.starts_with("RCPT") { Response::Reply(LATER) } else { Response::Usual }
    })
    .await;
    let service = Service::start_with(&server.url(), &[("retry-hours-max", "96")]).await;
    let recipient = someone();
    service.receive(&[order_created(&recipient)]).await;
    let age = |hours| {
        format!("UPDATE deliveries SET first_attempt_at = now() - interval '{hours} hours'")
    };
    service.until(&recipient, |mail| mail.attempt_count == 1).await;
    service.execute(&age(95)).await;
    for count in 2..10 {
        service.make_due().await;
        let retried = service.until(&recipient, |mail| mail.attempt_count >= count).await;
        assert_eq!(retried.state(), NotificationState::Pending);
    }
    let first = "SELECT count(*) FROM deliveries WHERE first_attempt_at < now() - interval '95 h'";
    assert_eq!(service.number(first).await, 1, "the days count from the first attempt");
    eventually("the end of the retries", async || {
        service.execute(&age(97)).await;
        service.make_due().await;
        let found = service.find(&recipient).await;
        (found.state() == NotificationState::Failed).then_some(())
    })
    .await;
    let resent = service.find(&recipient).await.notification_id;
    service.resend(&resent).await.expect("the mail has failed");
    let retried = service.until(&recipient, |mail| mail.attempt_count == 1).await;
    assert_eq!(retried.state(), NotificationState::Pending, "the days begin anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_fails_after_the_last_attempt() {
    let server = MailServer::start(|line| {
        if line.starts_with("RCPT") { Response::Reply(LATER) } else { Response::Usual }
    })
    .await;
    let settings = [("retry-seconds-min", "1"), ("delivery-attempts-max", "2")];
    let service = Service::start_with(&server.url(), &settings).await;
    let recipient = someone();
    service.receive(&[order_created(&recipient)]).await;
    let failed = service.until_state(&recipient, NotificationState::Failed).await;
    assert_eq!(failed.attempts.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_rejected_address_delays_no_other() {
    let server = MailServer::start(|line| {
        if line.contains("rejected") { Response::Reply(LATER) } else { Response::Usual }
    })
    .await;
    let service = Service::start_with(&server.url(), &[("delivery-workers", "1")]).await;
    let others: Vec<_> = (0..30).map(|_| someone()).collect();
    let rejected = format!("rejected-{}", someone());
    let mut events = vec![order_created(&rejected)];
    events.extend(others.iter().map(|recipient| order_created(recipient)));
    service.receive(&events).await;
    for recipient in &others {
        service.until_state(recipient, NotificationState::Sent).await;
    }
    let rejected = service.find(&rejected).await;
    assert_eq!((rejected.state(), rejected.attempt_count), (NotificationState::Pending, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_mail_server_counts_as_no_attempt_and_mails_are_sent_after_it() {
    let port = MailServer::free_port().await;
    let service = Service::start(&format!("smtp://127.0.0.1:{port}")).await;
    let recipients: Vec<_> = (0..5).map(|_| someone()).collect();
    let events: Vec<_> = recipients.iter().map(|recipient| order_created(recipient)).collect();
    service.receive(&events).await;
    service.until_reported("smtp: no mail server responds").await;

    let server = MailServer::start_with(port, Encryption::None, |_| Response::Usual).await;
    for recipient in &recipients {
        let sent = service.until_state(recipient, NotificationState::Sent).await;
        assert_eq!(sent.attempts.len(), 1, "{sent:?}");
        assert_eq!(server.accepted_for(recipient).len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_reply_about_one_mail_delays_no_other_and_counts_as_no_attempt() {
    let replies = Arc::new(AtomicBool::new(false));
    let server = MailServer::start({
        let replies = replies.clone();
        move |line| {
            if line.contains("silence") && !replies.load(Ordering::Relaxed) {
                Response::Silence
            } else {
                Response::Usual
            }
        }
    })
    .await;
    let settings = [("smtp-seconds-max", "2"), ("delivery-workers", "2")];
    let service = Service::start_with(&server.url(), &settings).await;
    let silent = format!("silence-{}", someone());
    let others: Vec<_> = (0..10).map(|_| someone()).collect();
    let mut events = vec![order_created(&silent)];
    events.extend(others.iter().map(|recipient| order_created(recipient)));
    service.receive(&events).await;
    for recipient in &others {
        service.until_state(recipient, NotificationState::Sent).await;
    }
    eventually("a second try", async || (server.count("RCPT TO:<silence") > 1).then_some(())).await;
    let waiting = service.find(&silent).await;
    assert_eq!((waiting.state(), waiting.attempts), (NotificationState::Pending, vec![]));
    replies.store(true, Ordering::Relaxed);
    service.until_state(&silent, NotificationState::Sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_250_at_the_end_accepts_a_mail_and_an_unexpected_reply_before_is_a_transport_error() {
    let server = MailServer::start(|line| match line {
        "." => Response::Reply("252 perhaps"),
        _ => Response::Usual,
    })
    .await;
    let service = Service::start(&server.url()).await;
    let recipient = someone();
    service.receive(&[order_created(&recipient)]).await;
    let failed = service.until_state(&recipient, NotificationState::Failed).await;
    assert_eq!(failed.attempts[0].reply_code, 252);

    let server = MailServer::start(|line| match line {
        "DATA" => Response::Reply("250 ok"),
        _ => Response::Usual,
    })
    .await;
    let service = Service::start(&server.url()).await;
    service.receive(&[order_created(&recipient)]).await;
    eventually("a second try", async || (server.count("DATA") > 1).then_some(())).await;
    assert_eq!(service.find(&recipient).await.attempts, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_that_is_not_an_address_fails_without_contact_to_the_server() {
    let server = MailServer::start(|_| Response::Usual).await;
    let service = Service::start(&server.url()).await;
    service.receive(&[order_created("nobody at all")]).await;
    let failed = service.until_state("nobody at all", NotificationState::Failed).await;
    assert_eq!(failed.attempts[0].reply_code, 0);
    assert_eq!(failed.attempts[0].reply_text, "the recipient is not an address");
    assert_eq!(server.count("RCPT"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_are_sent_encrypted_and_authenticated_if_the_url_requires_it() {
    for (scheme, encryption) in
        [("smtps", Encryption::Tls), ("smtp+starttls", Encryption::StartTls)]
    {
        let server = MailServer::start_with(0, encryption, |_| Response::Usual).await;
        let url = format!("{scheme}://shop:s%40cret@localhost:{}", server.port());
        let service = Service::start(&url).await;
        let recipient = someone();
        service.receive(&[order_created(&recipient)]).await;
        service.until_state(&recipient, NotificationState::Sent).await;
        assert!(server.count("AUTH PLAIN AHNob3AAc0BjcmV0") > 0, "{scheme}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_mail_is_sent_without_the_required_encryption() {
    let server = MailServer::start(|_| Response::Usual).await;
    let url = format!("smtp+starttls://shop:secret@localhost:{}", server.port());
    let service = Service::start(&url).await;
    let recipient = someone();
    service.receive(&[order_created(&recipient)]).await;
    eventually("a second try", async || (server.count("EHLO") > 1).then_some(())).await;
    assert_eq!((server.count("AUTH"), server.count("MAIL")), (0, 0));
    assert_eq!(service.find(&recipient).await.attempts, []);
}
