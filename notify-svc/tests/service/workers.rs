//! Claims and leases: each mail by one worker, and by another where that one died.

use std::{collections::HashSet, time::Duration};

use notify_svc::{
    db::deliveries,
    delivery::{DeliveryResult, Outcome, Reply},
    notification::NotificationId,
};
use proto::notify::v1::NotificationState;
use tests::eventually;
use uuid::Uuid;

use crate::{
    harness::{Desk, order_created, someone, start},
    mail_server::{Answer, Encryption, MailServer},
};

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_send_each_mail_once() {
    const MAILS: usize = 400;
    let server = MailServer::start(|_| Answer::Usual).await;
    let desk = Desk::open(&server.url()).await;
    let second = start(&desk.config).await;
    let recipients: Vec<_> = (0..MAILS).map(|_| someone()).collect();
    for some in recipients.chunks(50) {
        let events: Vec<_> = some.iter().map(|recipient| order_created(recipient)).collect();
        desk.receive(&events).await;
    }
    eventually("all are sent", async || {
        let statistics = desk.statistics().await;
        (statistics.sent == MAILS as i64 && statistics.pending == 0).then_some(())
    })
    .await;
    let taken = server.taken();
    let to: HashSet<_> = taken.iter().map(|mail| mail.recipient.as_str()).collect();
    assert_eq!((taken.len(), to.len()), (MAILS, MAILS));
    second.stop().await;
    desk.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_used_for_many_mails() {
    const MAILS: usize = 100;
    let server = MailServer::start(|_| Answer::Usual).await;
    let desk = Desk::open(&server.url()).await;
    let events: Vec<_> = (0..MAILS).map(|_| order_created(&someone())).collect();
    desk.receive(&events).await;
    eventually("all are sent", async || {
        (desk.statistics().await.sent == MAILS as i64).then_some(())
    })
    .await;
    assert!(server.heard("EHLO") <= 4, "{} connections", server.heard("EHLO"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_worker_had_another_sends_and_the_dead_one_cannot_mark_it() {
    let port = MailServer::free_port().await;
    let desk = Desk::open(&format!("smtp://127.0.0.1:{port}")).await;
    let recipient = someone();
    desk.receive(&[order_created(&recipient)]).await;
    let mut connection = desk.app.database.connection().await.unwrap();
    let claim_id = Uuid::now_v7();
    let lease = Duration::from_secs(3600);
    let claimed = deliveries::claim(&mut connection, claim_id, lease, 10).await.unwrap();
    assert_eq!(claimed.len(), 1);
    let id: NotificationId = claimed[0].id;

    let server = MailServer::start_with(port, Encryption::None, |_| Answer::Usual).await;
    let other = someone();
    desk.receive(&[order_created(&other)]).await;
    desk.until_state(&other, NotificationState::Sent).await;
    assert_eq!(server.taken_for(&recipient).len(), 0, "the lease still lasts");

    desk.execute(
        "UPDATE deliveries SET leased_until = now() - interval '1 second' \
                  WHERE claim_id IS NOT NULL",
    )
    .await;
    let sent = desk.until_state(&recipient, NotificationState::Sent).await;
    let late = DeliveryResult {
        id,
        claim_id,
        outcome: Outcome::Failed,
        reply: Reply::new(550, "no"),
        message_id: String::new(),
        event: None,
    };
    assert_eq!(deliveries::record_results(&mut connection, &[late]).await.unwrap(), []);
    assert_eq!(desk.find(&recipient).await, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_renewed_for_as_long_as_the_server_takes() {
    let server = MailServer::start(|line| match line {
        "." => Answer::Silence,
        _ => Answer::Usual,
    })
    .await;
    let desk = Desk::open_with(&server.url(), &[("delivery-workers", "1")]).await;
    desk.receive(&[order_created(&someone()), order_created(&someone())]).await;
    eventually("one is under way", async || (server.heard(".") > 0).then_some(())).await;
    desk.execute(
        "UPDATE deliveries SET leased_until = now() + interval '1 ms' \
                  WHERE claim_id IS NOT NULL",
    )
    .await;
    // The one behind it was given back, and can be claimed; the other was renewed.
    let mut connection = desk.app.database.connection().await.unwrap();
    let lease = Duration::from_secs(3600);
    eventually("the lease is renewed", async || {
        use diesel_async::RunQueryDsl;
        let renewed = diesel::sql_query(
            "SELECT 1 FROM deliveries WHERE leased_until > now() + interval '5 seconds'",
        );
        let mut connection = desk.app.database.connection().await.unwrap();
        (renewed.execute(&mut connection).await.unwrap() == 1).then_some(())
    })
    .await;
    let claimed = deliveries::claim(&mut connection, Uuid::now_v7(), lease, 10).await.unwrap();
    assert_eq!(claimed.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_are_folded_without_being_changed() {
    let server = MailServer::start(|_| Answer::Usual).await;
    let desk = Desk::open(&server.url()).await;
    for _ in 0..60 {
        desk.receive(&[order_created(&someone())]).await;
    }
    eventually("all are sent", async || (desk.statistics().await.sent == 60).then_some(())).await;
    let mut connection = desk.app.database.connection().await.unwrap();
    deliveries::roll_up_counts(&mut connection).await.unwrap();
    use diesel_async::RunQueryDsl;
    let rows = diesel::sql_query("SELECT 1 FROM delivery_counts");
    let rows = rows.execute(&mut connection).await.unwrap();
    assert!(rows < 50, "{rows} rows");
    let statistics = desk.statistics().await;
    assert_eq!((statistics.pending, statistics.sent, statistics.failed), (0, 60, 0));
}
