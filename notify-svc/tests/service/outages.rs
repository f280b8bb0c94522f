//! A database that fails while mails are in flight, and events that arrive more than once.

use std::collections::HashSet;

use proto::notify::v1::NotificationState;
use tests::eventually;
use tokio::sync::watch;

use crate::{
    harness::{Service, codes, order_created, someone, start},
    mail_server::{MailServer, Response},
};

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_database_longer_than_the_lease_duplicates_no_mail() {
    const MAILS: usize = 8;
    let (open, gate) = watch::channel(false);
    let server = MailServer::start(move |line| match line {
        "." => Response::Once(gate.clone()),
        _ => Response::Usual,
    })
    .await;
    let service = Service::start(&server.url()).await;
    let replica = start(&service.config).await;
    let recipients: Vec<_> = (0..MAILS).map(|_| someone()).collect();
    let events: Vec<_> = recipients.iter().map(|recipient| order_created(recipient)).collect();
    service.receive(&events).await;
    eventually("mails in flight", async || (server.count(".") >= MAILS / 2).then_some(())).await;

    // The service finds its tables gone, while the test can still expire the leases.
    let failures = "SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()";
    let before = service.number(failures).await;
    service.execute("ALTER TABLE deliveries RENAME TO unavailable").await;
    open.send(true).unwrap();
    eventually("failures of all workers", async || {
        (service.number(failures).await > before + 60).then_some(())
    })
    .await;
    service
        .execute(
            "UPDATE unavailable SET leased_until = now() - interval '1 second' \
                WHERE claim_id IS NOT NULL; \
             ALTER TABLE unavailable RENAME TO deliveries",
        )
        .await;

    for recipient in &recipients {
        service.until_state(recipient, NotificationState::Sent).await;
    }
    let accepted = server.accepted();
    let to: HashSet<_> = accepted.iter().map(|mail| mail.recipient.as_str()).collect();
    assert_eq!((accepted.len(), to.len()), (MAILS, MAILS));
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_sends_no_further_mail_while_several_results_are_not_recorded() {
    const MAILS: usize = 15;
    let server = MailServer::start(|_| Response::Usual).await;
    let service = Service::start_with(&server.url(), &[("delivery-workers", "1")]).await;
    // A sequence counts the failures, since a rollback does not reset it.
    service
        .execute(
            "CREATE SEQUENCE failures; \
             CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ \
             BEGIN PERFORM nextval('failures'); RAISE 'no'; END $$; \
             CREATE TRIGGER fail BEFORE UPDATE ON deliveries FOR EACH ROW \
             WHEN (NEW.state = 'SENT') EXECUTE FUNCTION fail()",
        )
        .await;
    let events: Vec<_> = (0..MAILS).map(|_| order_created(&someone())).collect();
    service.receive(&events).await;
    eventually("retries of the results", async || {
        (service.number("SELECT last_value FROM failures").await > 30).then_some(())
    })
    .await;
    assert_eq!(server.accepted().len(), 4);

    service.execute("DROP TRIGGER fail ON deliveries").await;
    eventually("all mails", async || {
        (service.statistics().await.sent == MAILS as i64).then_some(())
    })
    .await;
    assert_eq!(server.accepted().len(), MAILS);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_delivered_three_times_causes_one_mail() {
    let server = MailServer::start(|_| Response::Usual).await;
    let service = Service::start(&server.url()).await;
    let recipient = someone();
    let event = order_created(&recipient);
    service.receive(&[event.clone(), event.clone(), event.clone()]).await;
    let sent = service.until_state(&recipient, NotificationState::Sent).await;
    service.receive(&[event.clone(), order_created(&someone()), event]).await;
    eventually("the other mail", async || (service.statistics().await.sent == 2).then_some(()))
        .await;
    assert_eq!(codes(&sent), [250]);
    let accepted = server.accepted_for(&recipient);
    assert_eq!(accepted.len(), 1);
    assert_eq!(accepted[0].header("Message-ID"), sent.attempts[0].message_id);
}
