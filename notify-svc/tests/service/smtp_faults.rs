//! A mail server that fails at each step of the dialogue, and what follows for the mail.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures::future::join_all;
use proto::notify::v1::NotificationState;
use tests::eventually;
use tokio::sync::watch;

use crate::{
    harness::{Service, codes, order_created, someone},
    mail_server::{CONNECT, MailServer, Response},
};

const FAULTS: [&str; 4] = ["hang", "451 4.7.1 try later", "550 5.1.1 no such mailbox", "close"];

/// The reply codes of all attempts after one fault at a step. 0: no reply after the final dot.
const CODES: [(&str, [&[i32]; 4]); 6] = [
    (CONNECT, [&[250], &[250], &[250], &[250]]),
    ("EHLO", [&[250], &[250], &[250], &[250]]),
    ("MAIL", [&[250], &[250], &[250], &[250]]),
    ("RCPT", [&[250], &[451, 250], &[550], &[250]]),
    ("DATA", [&[250], &[451, 250], &[550], &[250]]),
    (".", [&[0, 250], &[451, 250], &[550], &[0, 250]]),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_at_any_step_loses_no_mail_and_marks_none_as_sent_that_was_not_accepted() {
    for (i, fault) in FAULTS.into_iter().enumerate() {
        let cells = CODES.map(|(step, codes)| check_fault(step, fault, codes[i]));
        join_all(cells).await;
    }
}

/// Sends one mail to a server that fails once at `step`.
async fn check_fault(step: &'static str, fault: &'static str, expected: &[i32]) {
    let failed = AtomicBool::new(false);
    let server = MailServer::start(move |line| {
        if !line.starts_with(step) || failed.swap(true, Ordering::Relaxed) {
            return Response::Usual;
        }
        match fault {
            "hang" => Response::Silence,
            "close" => Response::Close,
            reply => Response::Reply(reply),
        }
    })
    .await;
    let settings =
        [("smtp-seconds-max", "1"), ("smtp-dot-seconds-max", "1"), ("delivery-workers", "1")];
    let service = Service::start_with(&server.url(), &settings).await;
    let recipient = someone();
    service.receive(&[order_created(&recipient)]).await;
    let found = service.until_final(&recipient).await;
    assert_eq!(codes(&found), expected, "{step}, {fault}: {found:?}");
    let is_sent = found.state() == NotificationState::Sent;
    assert_eq!(is_sent, expected.last() == Some(&250), "{step}, {fault}");
    let accepted = server.accepted_for(&recipient).len();
    assert_eq!(accepted, usize::from(is_sent), "{step}, {fault}");
    service.process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_about_the_sender_pauses_delivery_and_counts_as_no_attempt() {
    let cases = [
        ("MAIL", "421 4.3.2 shutting down", "421 4.3.2 to MAIL"),
        ("MAIL", "530 5.7.0 authentication required", "530 5.7.0 to MAIL"),
        ("MAIL", "550 5.1.0 sender rejected", "550 5.1.0 to MAIL"),
        ("RCPT", "452 4.3.1 out of storage", "452 4.3.1 to RCPT"),
        ("RCPT", "553 5.1.8 unknown sender domain", "553 5.1.8 to RCPT"),
        ("DATA", "454 Throttling failure: Daily message quota exceeded.", "454 to DATA"),
        (".", "552 quota exceeded", "552 to the message"),
        (".", "550 5.4.5 daily sending quota exceeded", "550 5.4.5 to the message"),
    ];
    join_all(cases.map(|(step, reply, report)| check_pause(step, reply, report))).await;
}

async fn check_pause(step: &'static str, reply: &'static str, report: &str) {
    let open = Arc::new(AtomicBool::new(false));
    let server = MailServer::start({
        let open = open.clone();
        move |line| match reply {
            _ if !line.starts_with(step) || open.load(Ordering::Relaxed) => Response::Usual,
            reply if reply.starts_with("421") => Response::ReplyAndClose(reply),
            reply => Response::Reply(reply),
        }
    })
    .await;
    let service = Service::start(&server.url()).await;
    let recipient = someone();
    service.receive(&[order_created(&recipient)]).await;
    service.until_reported(&format!("delivery: paused: the mail server replied {report}")).await;
    eventually("a second try", async || {
        service.make_due().await;
        (server.count(step) > 1).then_some(())
    })
    .await;
    assert_eq!(service.find(&recipient).await.attempts, [], "{reply}");

    open.store(true, Ordering::Relaxed);
    let sent = service.until_final(&recipient).await;
    assert_eq!(codes(&sent), [250], "{reply}");
    service.until_reported("delivery: ok").await;
    service.process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_rejects_all_recipients_alike_pauses_delivery_and_fails_few_mails() {
    const MAILS: i64 = 12;
    let fixed = Arc::new(AtomicBool::new(false));
    let server = MailServer::start({
        let fixed = fixed.clone();
        move |line| {
            if line.starts_with("RCPT") && !fixed.load(Ordering::Relaxed) {
                Response::Reply("550 5.7.1 relaying denied")
            } else {
                Response::Usual
            }
        }
    })
    .await;
    let service = Service::start_with(&server.url(), &[("delivery-workers", "1")]).await;
    let events: Vec<_> = (0..MAILS).map(|_| order_created(&someone())).collect();
    service.receive(&events).await;
    let report = "delivery: paused: 5 recipients in a row were rejected with 550 5.7.1";
    service.until_reported(report).await;
    eventually("more tries", async || {
        service.make_due().await;
        (server.count("RCPT") > 6).then_some(())
    })
    .await;

    fixed.store(true, Ordering::Relaxed);
    eventually("the other mails", async || {
        service.make_due().await;
        (service.statistics().await.pending == 0).then_some(())
    })
    .await;
    let statistics = service.statistics().await;
    assert_eq!((statistics.failed, statistics.sent), (4, MAILS - 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_whose_outcome_stays_unknown_is_sent_five_times_and_then_fails() {
    let server = MailServer::start(|line| match line {
        "." => Response::Close,
        _ => Response::Usual,
    })
    .await;
    let service = Service::start(&server.url()).await;
    let recipient = someone();
    service.receive(&[order_created(&recipient)]).await;
    let failed = service.until_final(&recipient).await;
    assert_eq!(failed.state(), NotificationState::Failed);
    assert_eq!((codes(&failed), server.count(".")), (vec![0; 5], 5));
    for attempt in &failed.attempts {
        let text = &attempt.reply_text;
        assert!(text.starts_with("it is unknown whether the mail server accepted"), "{text}");
        assert_eq!(attempt.message_id, failed.attempts[0].message_id);
    }

    service.resend(&failed.notification_id).await.expect("the mail has failed");
    let again = service.until_final(&recipient).await;
    assert_eq!((again.attempt_count, server.count(".")), (5, 10), "the count begins anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_after_the_dot_may_take_longer_than_the_dialogue_and_the_lease() {
    let (open, gate) = watch::channel(false);
    let server = MailServer::start(move |line| match line {
        "." => Response::Once(gate.clone()),
        _ => Response::Usual,
    })
    .await;
    let settings = [("smtp-seconds-max", "1"), ("delivery-workers", "1")];
    let service = Service::start_with(&server.url(), &settings).await;
    let recipient = someone();
    service.receive(&[order_created(&recipient)]).await;
    eventually("a mail in flight", async || (server.count(".") > 0).then_some(())).await;
    // The second renewal comes seconds after the first.
    for _ in 0..2 {
        service.execute("UPDATE deliveries SET leased_until = now() + interval '2 seconds'").await;
        eventually("the renewed lease", async || {
            let renewed =
                "SELECT count(*) FROM deliveries WHERE leased_until > now() + interval '5 s'";
            (service.number(renewed).await == 1).then_some(())
        })
        .await;
    }
    open.send(true).unwrap();
    let sent = service.until_final(&recipient).await;
    assert_eq!((codes(&sent), server.count(".")), (vec![250], 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_after_the_dot_counts_as_an_attempt_and_one_before_does_not() {
    for (step, expected) in [("DATA", vec![250]), (".", vec![0, 250])] {
        let failed = AtomicBool::new(false);
        let server = MailServer::start(move |line| {
            if line != step || failed.swap(true, Ordering::Relaxed) {
                Response::Usual
            } else {
                Response::Silence
            }
        })
        .await;
        let service = Service::start(&server.url()).await;
        let recipient = someone();
        service.receive(&[order_created(&recipient)]).await;
        eventually("a mail in flight", async || (server.count(step) > 0).then_some(())).await;
        let service = service.restart().await;
        let sent = service.until_final(&recipient).await;
        assert_eq!(codes(&sent), expected, "{step}");
    }
}
