//! Claims and leases: one worker sends each mail, another one if the first died.

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
    harness::{Service, order_created, someone, start},
    mail_server::{Encryption, MailServer, Response},
};

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_send_each_mail_once() {
    const MAILS: usize = 400;
    let server = MailServer::start(|_| Response::Usual).await;
    let service = Service::start(&server.url()).await;
    let second = start(&service.config).await;
    let recipients: Vec<_> = (0..MAILS).map(|_| someone()).collect();
    for some in recipients.chunks(50) {
        let events: Vec<_> = some.iter().map(|recipient| order_created(recipient)).collect();
        service.receive(&events).await;
    }
    eventually("all mails", async || {
        let statistics = service.statistics().await;
        (statistics.sent == MAILS as i64 && statistics.pending == 0).then_some(())
    })
    .await;
    let accepted = server.accepted();
    let to: HashSet<_> = accepted.iter().map(|mail| mail.recipient.as_str()).collect();
    assert_eq!((accepted.len(), to.len()), (MAILS, MAILS));
    second.stop().await;
    service.process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_reused_for_many_mails() {
    const MAILS: usize = 100;
    let server = MailServer::start(|_| Response::Usual).await;
    let service = Service::start(&server.url()).await;
    let events: Vec<_> = (0..MAILS).map(|_| order_created(&someone())).collect();
    service.receive(&events).await;
    eventually("all mails", async || {
        (service.statistics().await.sent == MAILS as i64).then_some(())
    })
    .await;
    assert!(server.count("EHLO") <= 4, "{} connections", server.count("EHLO"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_worker_sends_the_mail_of_a_dead_one_which_cannot_record_a_result() {
    let port = MailServer::free_port().await;
    let service = Service::start(&format!("smtp://127.0.0.1:{port}")).await;
    let recipient = someone();
    service.receive(&[order_created(&recipient)]).await;
    let mut connection = service.app.database.connection().await.unwrap();
    let claim_id = Uuid::now_v7();
    let lease = Duration::from_secs(3600);
    let claimed = deliveries::claim(&mut connection, claim_id, lease, 10).await.unwrap();
    assert_eq!(claimed.len(), 1);
    let id: NotificationId = claimed[0].id;

    let server = MailServer::start_with(port, Encryption::None, |_| Response::Usual).await;
    let other = someone();
    service.receive(&[order_created(&other)]).await;
    service.until_state(&other, NotificationState::Sent).await;
    assert_eq!(server.accepted_for(&recipient).len(), 0, "the lease has not expired");

    service
        .execute(
            "UPDATE deliveries SET leased_until = now() - interval '1 second' \
                  WHERE claim_id IS NOT NULL",
        )
        .await;
    let sent = service.until_state(&recipient, NotificationState::Sent).await;
    let late = DeliveryResult {
        id,
        claim_id,
        outcome: Outcome::Failed,
        reply: Reply::new(550, "no"),
        message_id: String::new(),
        event: None,
    };
    assert_eq!(deliveries::record_results(&mut connection, &[late]).await.unwrap(), []);
    assert_eq!(service.find(&recipient).await, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_results_of_one_mail_in_one_transaction_only_that_of_the_owner_is_recorded() {
    let port = MailServer::free_port().await;
    let service = Service::start(&format!("smtp://127.0.0.1:{port}")).await;
    service.receive(&[order_created(&someone())]).await;
    let mut connection = service.app.database.connection().await.unwrap();
    let (lost, owned) = (Uuid::now_v7(), Uuid::now_v7());
    let claimed = deliveries::claim(&mut connection, lost, Duration::ZERO, 1).await.unwrap();
    let lease = Duration::from_secs(3600);
    let again = eventually("the expiry of the lease", async || {
        let mut connection = service.app.database.connection().await.unwrap();
        deliveries::claim(&mut connection, owned, lease, 1).await.unwrap().pop()
    })
    .await;
    assert_eq!(claimed[0].id, again.id);
    let result = |claim_id, outcome| DeliveryResult {
        id: again.id,
        claim_id,
        outcome,
        reply: Reply::new(550, "no"),
        message_id: String::new(),
        event: None,
    };
    let results = [result(lost, Outcome::Failed), result(owned, Outcome::Sent)];
    let recorded = deliveries::record_results(&mut connection, &results).await.unwrap();
    assert_eq!(recorded, [(again.id, owned)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_renewed_until_the_server_replies() {
    let server = MailServer::start(|line| match line {
        "." => Response::Silence,
        _ => Response::Usual,
    })
    .await;
    let service = Service::start_with(&server.url(), &[("delivery-workers", "1")]).await;
    service.receive(&[order_created(&someone()), order_created(&someone())]).await;
    eventually("a mail in flight", async || (server.count(".") > 0).then_some(())).await;
    eventually("the release of the mail behind it", async || {
        let claimed = "SELECT count(*) FROM deliveries WHERE claim_id IS NOT NULL";
        (service.number(claimed).await == 1).then_some(())
    })
    .await;
    service
        .execute(
            "UPDATE deliveries SET leased_until = now() + interval '1 ms' \
                  WHERE claim_id IS NOT NULL",
        )
        .await;
    let mut connection = service.app.database.connection().await.unwrap();
    let lease = Duration::from_secs(3600);
    eventually("the renewed lease", async || {
        use diesel_async::RunQueryDsl;
        let renewed = diesel::sql_query(
            "SELECT 1 FROM deliveries WHERE leased_until > now() + interval '5 seconds'",
        );
        let mut connection = service.app.database.connection().await.unwrap();
        (renewed.execute(&mut connection).await.unwrap() == 1).then_some(())
    })
    .await;
    let claimed = deliveries::claim(&mut connection, Uuid::now_v7(), lease, 10).await.unwrap();
    assert_eq!(claimed.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollup_does_not_change_the_statistics() {
    let server = MailServer::start(|_| Response::Usual).await;
    let service = Service::start(&server.url()).await;
    for _ in 0..60 {
        service.receive(&[order_created(&someone())]).await;
    }
    eventually("all mails", async || (service.statistics().await.sent == 60).then_some(())).await;
    let mut connection = service.app.database.connection().await.unwrap();
    deliveries::roll_up_counts(&mut connection).await.unwrap();
    use diesel_async::RunQueryDsl;
    let rows = diesel::sql_query("SELECT 1 FROM delivery_counts");
    let rows = rows.execute(&mut connection).await.unwrap();
    assert!(rows < 50, "{rows} rows");
    let statistics = service.statistics().await;
    assert_eq!((statistics.pending, statistics.sent, statistics.failed), (0, 60, 0));
}
