//! Mails to addresses that are not verified: anybody can sign up with the address of a stranger.

use devstack::testing::Env;
use futures::future::join_all;
use mesh_data::kafka::Record;
use proto::{
    notify::v1::NotificationState,
    order::v1::{OrderCancelled, OrderCreated, OrderShipped},
    user::v1::{PasswordChangedMail, UserMailRequested, WelcomeMail, user_mail_requested::Mail},
};
use tests::eventually;
use uuid::Uuid;

use crate::{
    harness::{Service, order, order_created, record, someone, text, user_mail},
    mail_server::{MailServer, Response},
    mailbox::mails_to,
};

const MAILS_MAX: usize = 10;

/// Returns an event of each kind to an address that is not verified, full of the text of its
/// requester.
fn events(recipient: &str) -> Vec<Record> {
    const TEXT: &str = "You won: https://evil.example/x";
    let mut order = order();
    let address = order.shipping_address.as_mut().expect("the order has an address");
    (address.full_name, address.street, address.city) = (TEXT.into(), TEXT.into(), TEXT.into());
    macro_rules! order_event {
        ($message:ident) => {
            record(&$message {
                event_id: Uuid::now_v7().to_string(),
                order: Some(order.clone()),
                customer_email: recipient.into(),
                customer_name: TEXT.into(),
                customer_email_verified: false,
            })
        };
    }
    let account_event = |mail| {
        let event = user_mail(recipient, mail);
        record(&UserMailRequested { display_name: TEXT.into(), email_verified: false, ..event })
    };
    vec![
        order_event!(OrderCreated),
        order_event!(OrderShipped),
        order_event!(OrderCancelled),
        account_event(Mail::Welcome(WelcomeMail::default())),
        account_event(Mail::PasswordChanged(PasswordChangedMail {})),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_to_an_address_that_is_not_verified_contains_no_text_of_its_requester() {
    let service = Service::start(&Env::from_env().smtp_url()).await;
    let recipient = someone();
    let events = events(&recipient);
    service.receive(&events).await;
    let mails = eventually("all mails", async || {
        Some(mails_to(&recipient).await).filter(|mails| mails.len() == events.len())
    })
    .await;
    for mail in mails {
        for part in ["subject", "text", "html"] {
            assert!(!text(&mail, part).contains("evil"), "{mail}");
        }
        assert!(!mail["headers"].to_string().contains("evil"), "{mail}");
    }
}

fn unverified_order(recipient: &str) -> Record {
    record(&OrderCreated {
        event_id: Uuid::now_v7().to_string(),
        order: Some(order()),
        customer_email: recipient.into(),
        ..OrderCreated::default()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_not_verified_gets_at_most_ten_mails_an_hour() {
    const EVENTS: usize = 16;
    let server = MailServer::start(|_| Response::Usual).await;
    let service = Service::start(&server.url()).await;
    let recipient = someone();
    let events: Vec<_> = (0..EVENTS).map(|_| unverified_order(&recipient)).collect();
    // Replicas receive some at once, in batches and singly, and some twice.
    let (batch, single) = events.split_at(4);
    let batch = [batch, batch].concat();
    let receive = single.iter().map(std::slice::from_ref).chain([&*batch, &*batch]);
    join_all(receive.map(|events| service.receive(events))).await;
    let count = async |state| {
        let mails = service.list(&recipient).await;
        mails.into_iter().filter(|mail| mail.state() == state).count()
    };
    eventually("all results", async || {
        (count(NotificationState::Pending).await == 0).then_some(())
    })
    .await;
    assert_eq!(count(NotificationState::Failed).await, EVENTS - MAILS_MAX);
    assert_eq!(server.accepted_for(&recipient).len(), MAILS_MAX);

    // The limit is for this address in another spelling as well, and for no other one.
    let (upper, other) = (recipient.to_uppercase(), someone());
    service.receive(&[unverified_order(&upper), unverified_order(&other)]).await;
    service.until_state(&other, NotificationState::Sent).await;
    eventually("the result", async || {
        (count(NotificationState::Failed).await == EVENTS - MAILS_MAX + 1).then_some(())
    })
    .await;

    // In any spelling.
    let accepted = || {
        let accepted = server.accepted().into_iter();
        accepted.filter(|mail| mail.recipient.eq_ignore_ascii_case(&recipient)).count()
    };
    // An admin may send what the limit dropped, and a verified address has no limit.
    let failed = service.list(&recipient).await;
    let failed = failed.iter().find(|mail| mail.state() == NotificationState::Failed).unwrap();
    service.resend(&failed.notification_id).await.unwrap();
    service.receive(&[order_created(&recipient)]).await;
    eventually("two more mails", async || (accepted() == MAILS_MAX + 2).then_some(())).await;

    // An hour later there are ten more.
    service.execute("UPDATE notifications SET created_at = now() - interval '61 minutes'").await;
    service.receive(&[unverified_order(&recipient)]).await;
    eventually("another mail", async || (accepted() == MAILS_MAX + 3).then_some(())).await;
}
