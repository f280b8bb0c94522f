//! What becomes of a mail after each kind of answer, and after none.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use prost::Message;
use proto::notify::v1::{MailStateChanged, NotificationState};
use tests::{eventually, status::reason};

use crate::{
    harness::{Desk, order_created, someone},
    mail_server::{Answer, Encryption, MailServer},
};

const REFUSED: &str = "550 5.1.1 no such mailbox";
const LATER: &str = "451 4.7.1 come back later";

/// The `mail-state` events that wait to be published, oldest first.
async fn mail_states(desk: &Desk) -> Vec<(NotificationState, i64)> {
    use diesel_async::RunQueryDsl;
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Binary)]
        payload: Vec<u8>,
    }
    let mut connection = desk.app.database.connection().await.unwrap();
    let rows: Vec<Row> = diesel::sql_query(
        "SELECT payload FROM outbox WHERE topic = 'mail-state' ORDER BY created_at, id",
    )
    .get_results(&mut connection)
    .await
    .unwrap();
    let read = |row: Row| MailStateChanged::decode(&*row.payload).expect("it is one");
    rows.into_iter().map(read).map(|event| (event.state(), event.version)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_mail_has_failed_is_told_and_can_be_resent() {
    let fixed = Arc::new(AtomicBool::new(false));
    let server = MailServer::start({
        let fixed = fixed.clone();
        move |line| match line.starts_with("RCPT") && !fixed.load(Ordering::Relaxed) {
            true => Answer::Say(REFUSED),
            false => Answer::Usual,
        }
    })
    .await;
    let desk = Desk::open(&server.url()).await;
    let recipient = someone();
    desk.receive(&[order_created(&recipient)]).await;

    let failed = desk.until_state(&recipient, NotificationState::Failed).await;
    let [attempt] = &failed.attempts[..] else { panic!("{failed:?}") };
    assert_eq!((attempt.reply_code, &*attempt.reply_text), (550, "5.1.1 no such mailbox"));
    assert_eq!((failed.attempt_count, failed.resend_count), (1, 0));
    assert_eq!(desk.statistics().await.failed, 1);

    fixed.store(true, Ordering::Relaxed);
    let asked = desk.resend(&failed.notification_id).await.expect("it has failed");
    assert_eq!(asked.state(), NotificationState::Pending);
    assert_eq!((asked.attempt_count, asked.resend_count), (0, 1));
    let sent = desk.until_state(&recipient, NotificationState::Sent).await;
    assert_eq!(sent.attempts.len(), 2);
    assert_ne!(sent.attempts[0].message_id, sent.attempts[1].message_id);
    let taken = server.taken_for(&recipient);
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].header("Message-ID"), sent.attempts[1].message_id);
    let statistics = desk.statistics().await;
    assert_eq!((statistics.pending, statistics.sent, statistics.failed), (0, 1, 0));
    let told = mail_states(&desk).await;
    use NotificationState::{Failed, Pending, Sent};
    assert_eq!(told, [(Failed, 2), (Pending, 3), (Sent, 4)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sent_mail_can_be_resent_and_one_under_way_cannot() {
    let slow = Arc::new(AtomicBool::new(false));
    let server = MailServer::start({
        let slow = slow.clone();
        move |line| match line == "." && slow.load(Ordering::Relaxed) {
            true => Answer::Silence,
            false => Answer::Usual,
        }
    })
    .await;
    let desk = Desk::open(&server.url()).await;
    let recipient = someone();
    desk.receive(&[order_created(&recipient)]).await;
    let sent = desk.until_state(&recipient, NotificationState::Sent).await;

    slow.store(true, Ordering::Relaxed);
    desk.resend(&sent.notification_id).await.expect("it was sent");
    let refused = desk.resend(&sent.notification_id).await.expect_err("it is under way");
    assert_eq!(reason(&refused), "NOTIFICATION_NOT_RESENDABLE");
    let pending = desk.find(&recipient).await;
    assert_eq!((pending.state(), pending.resend_count), (NotificationState::Pending, 1));
    assert!(pending.send_time.is_none() && pending.next_attempt_time.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_refused_in_passing_is_tried_again_under_the_same_message_id() {
    let mails = Arc::new(AtomicUsize::new(0));
    let server = MailServer::start({
        let mails = mails.clone();
        move |line| match line == "." && mails.fetch_add(1, Ordering::Relaxed) < 2 {
            true => Answer::Say(LATER),
            false => Answer::Usual,
        }
    })
    .await;
    let desk = Desk::open_with(&server.url(), &[("retry-seconds-min", "1")]).await;
    let recipient = someone();
    desk.receive(&[order_created(&recipient)]).await;
    desk.until(&recipient, |notification| notification.attempt_count == 1).await;
    // It waits for its next attempt; the test does not.
    let hurry = "UPDATE deliveries SET due_at = now() WHERE state = 'PENDING' AND claim_id IS NULL";
    let sent = eventually("it is sent", async || {
        desk.execute(hurry).await;
        let found = desk.find(&recipient).await;
        Some(found).filter(|found| found.state() == NotificationState::Sent)
    })
    .await;
    let codes: Vec<_> = sent.attempts.iter().map(|attempt| attempt.reply_code).collect();
    assert_eq!(codes, [451, 451, 250]);
    assert!(sent.attempts.iter().all(|a| a.message_id == sent.attempts[0].message_id));
    assert_eq!(mail_states(&desk).await, [(NotificationState::Sent, 2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_refused_too_often_has_failed() {
    let server = MailServer::start(|line| match line.starts_with("RCPT") {
        true => Answer::Say(LATER),
        false => Answer::Usual,
    })
    .await;
    let settings = [("retry-seconds-min", "1"), ("delivery-attempts-max", "2")];
    let desk = Desk::open_with(&server.url(), &settings).await;
    let recipient = someone();
    desk.receive(&[order_created(&recipient)]).await;
    let failed = desk.until_state(&recipient, NotificationState::Failed).await;
    assert_eq!(failed.attempts.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_refused_address_delays_no_other() {
    let server = MailServer::start(|line| match line.contains("refused") {
        true => Answer::Say(LATER),
        false => Answer::Usual,
    })
    .await;
    let desk = Desk::open_with(&server.url(), &[("delivery-workers", "1")]).await;
    let others: Vec<_> = (0..30).map(|_| someone()).collect();
    let refused = format!("refused-{}", someone());
    let mut events = vec![order_created(&refused)];
    events.extend(others.iter().map(|recipient| order_created(recipient)));
    desk.receive(&events).await;
    for recipient in &others {
        desk.until_state(recipient, NotificationState::Sent).await;
    }
    let refused = desk.find(&refused).await;
    assert_eq!((refused.state(), refused.attempt_count), (NotificationState::Pending, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_mail_server_counts_for_nothing_and_mails_flow_when_it_is_back() {
    let port = MailServer::free_port().await;
    let desk = Desk::open(&format!("smtp://127.0.0.1:{port}")).await;
    let recipients: Vec<_> = (0..5).map(|_| someone()).collect();
    let events: Vec<_> = recipients.iter().map(|recipient| order_created(recipient)).collect();
    desk.receive(&events).await;
    eventually("the outage is told", async || {
        let told = readiness(&desk).await;
        (told.0 && told.1.contains("smtp: no mail server answers")).then_some(())
    })
    .await;

    let server = MailServer::start_with(port, Encryption::None, |_| Answer::Usual).await;
    for recipient in &recipients {
        let sent = desk.until_state(recipient, NotificationState::Sent).await;
        assert_eq!(sent.attempts.len(), 1, "{sent:?}");
        assert_eq!(server.taken_for(recipient).len(), 1);
    }
}

/// Whether the service says it is ready, and the lines beside.
async fn readiness(desk: &Desk) -> (bool, String) {
    use http_body_util::{BodyExt, Empty};
    use hyper_util::{client::legacy::Client, rt::TokioExecutor};
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<&'static [u8]>>();
    let url = format!("http://{}/readyz", desk.service.admin_address);
    let response = client.get(url.parse().unwrap()).await.expect("it answers");
    let ready = response.status().is_success();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (ready, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_closes_or_wants_a_log_in_counts_for_nothing() {
    for answer in ["421 4.3.2 shutting down", "530 5.7.0 log in first"] {
        let open = Arc::new(AtomicBool::new(false));
        let server = MailServer::start({
            let open = open.clone();
            move |line| match line.starts_with("MAIL") && !open.load(Ordering::Relaxed) {
                true => Answer::SayAndClose(answer),
                false => Answer::Usual,
            }
        })
        .await;
        let desk = Desk::open(&server.url()).await;
        let recipient = someone();
        desk.receive(&[order_created(&recipient)]).await;
        eventually("it was tried", async || (server.heard("MAIL") > 1).then_some(())).await;
        assert_eq!(desk.find(&recipient).await.attempts, []);

        open.store(true, Ordering::Relaxed);
        let sent = desk.until_state(&recipient, NotificationState::Sent).await;
        assert_eq!(sent.attempts.len(), 1, "{sent:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_falls_silent_over_one_mail_delays_no_other_and_counts_for_nothing() {
    let patient = Arc::new(AtomicBool::new(false));
    let server = MailServer::start({
        let patient = patient.clone();
        move |line| match line.contains("silence") && !patient.load(Ordering::Relaxed) {
            true => Answer::Silence,
            false => Answer::Usual,
        }
    })
    .await;
    let settings = [("smtp-seconds-max", "2"), ("delivery-workers", "2")];
    let desk = Desk::open_with(&server.url(), &settings).await;
    let silent = format!("silence-{}", someone());
    let others: Vec<_> = (0..10).map(|_| someone()).collect();
    let mut events = vec![order_created(&silent)];
    events.extend(others.iter().map(|recipient| order_created(recipient)));
    desk.receive(&events).await;
    for recipient in &others {
        desk.until_state(recipient, NotificationState::Sent).await;
    }
    eventually("it was tried again", async || (server.heard("RCPT TO:<silence") > 1).then_some(()))
        .await;
    let waiting = desk.find(&silent).await;
    assert_eq!((waiting.state(), waiting.attempts), (NotificationState::Pending, vec![]));
    patient.store(true, Ordering::Relaxed);
    desk.until_state(&silent, NotificationState::Sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_250_at_the_end_accepts_a_mail_and_nonsense_before_it_is_no_answer() {
    let server = MailServer::start(|line| match line {
        "." => Answer::Say("252 perhaps"),
        _ => Answer::Usual,
    })
    .await;
    let desk = Desk::open(&server.url()).await;
    let recipient = someone();
    desk.receive(&[order_created(&recipient)]).await;
    let failed = desk.until_state(&recipient, NotificationState::Failed).await;
    assert_eq!(failed.attempts[0].reply_code, 252);

    let server = MailServer::start(|line| match line {
        "DATA" => Answer::Say("250 fine"),
        _ => Answer::Usual,
    })
    .await;
    let desk = Desk::open(&server.url()).await;
    desk.receive(&[order_created(&recipient)]).await;
    eventually("it was tried", async || (server.heard("DATA") > 1).then_some(())).await;
    assert_eq!(desk.find(&recipient).await.attempts, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_address_fails_without_the_server_being_asked() {
    let server = MailServer::start(|_| Answer::Usual).await;
    let desk = Desk::open(&server.url()).await;
    desk.receive(&[order_created("nobody at all")]).await;
    let failed = desk.until_state("nobody at all", NotificationState::Failed).await;
    assert_eq!(failed.attempts[0].reply_code, 0);
    assert_eq!(failed.attempts[0].reply_text, "the recipient is not an address");
    assert_eq!(server.heard("RCPT"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_go_encrypted_and_logged_in_where_the_url_says_so() {
    for (scheme, encryption) in
        [("smtps", Encryption::Tls), ("smtp+starttls", Encryption::StartTls)]
    {
        let server = MailServer::start_with(0, encryption, |_| Answer::Usual).await;
        let url = format!("{scheme}://shop:s%40cret@localhost:{}", server.port());
        let desk = Desk::open(&url).await;
        let recipient = someone();
        desk.receive(&[order_created(&recipient)]).await;
        desk.until_state(&recipient, NotificationState::Sent).await;
        assert!(server.heard("AUTH PLAIN AHNob3AAc0BjcmV0") > 0, "{scheme}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_mail_goes_where_encryption_was_asked_for_and_is_not_there() {
    let server = MailServer::start(|_| Answer::Usual).await;
    let url = format!("smtp+starttls://shop:secret@localhost:{}", server.port());
    let desk = Desk::open(&url).await;
    let recipient = someone();
    desk.receive(&[order_created(&recipient)]).await;
    eventually("it was tried", async || (server.heard("EHLO") > 1).then_some(())).await;
    assert_eq!((server.heard("AUTH"), server.heard("MAIL")), (0, 0));
    assert_eq!(desk.find(&recipient).await.attempts, []);
}
