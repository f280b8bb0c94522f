//! Addresses that are not ASCII.

use proto::notify::v1::NotificationState;
use uuid::Uuid;

use crate::{
    harness::{Service, order_created},
    mail_server::{MailServer, Response},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_to_an_international_domain_needs_no_smtputf8() {
    let server = MailServer::start(|_| Response::Usual).await;
    let mail_from = ("mail-from", "Läden <shop@läden.example>");
    let service = Service::start_with(&server.url(), &[mail_from]).await;
    let name = Uuid::now_v7().simple().to_string();
    let recipient = format!("{name}@bücher.example");
    service.receive(&[order_created(&recipient)]).await;
    let sent = service.until_state(&recipient, NotificationState::Sent).await;
    let ascii = format!("{name}@xn--bcher-kva.example");
    assert_eq!(server.count(&format!("RCPT TO:<{ascii}>")), 1);
    assert_eq!(server.count("MAIL FROM:<shop@xn--lden-loa.example>"), 1);
    assert!(server.count("EHLO xn--lden-loa.example") > 0);
    assert!(sent.attempts[0].message_id.ends_with("@xn--lden-loa.example>"));
    let [accepted] = &server.accepted_for(&ascii)[..] else { panic!("one mail") };
    assert!(accepted.text.contains(&format!("<{ascii}>")) && accepted.text.is_ascii());
    assert_eq!(service.list(&recipient).await.len(), 1, "it is found as it was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_not_ascii_before_the_at_needs_smtputf8() {
    let server = MailServer::start(|_| Response::Usual).await;
    let service = Service::start(&server.url()).await;
    let recipient = format!("zoë-{}@bücher.example", Uuid::now_v7().simple());
    service.receive(&[order_created(&recipient)]).await;
    let failed = service.until_state(&recipient, NotificationState::Failed).await;
    let text = "the mail server requires ASCII before the @ of an address (no SMTPUTF8)";
    assert_eq!((failed.attempts[0].reply_code, &*failed.attempts[0].reply_text), (0, text));
    assert_eq!(server.count("MAIL"), 0);

    let server = MailServer::start(|line| {
        if line.starts_with("EHLO") {
            Response::Reply("250-test\r\n250 SMTPUTF8")
        } else {
            Response::Usual
        }
    })
    .await;
    let service = Service::start(&server.url()).await;
    service.receive(&[order_created(&recipient)]).await;
    service.until_state(&recipient, NotificationState::Sent).await;
    assert_eq!(server.count("MAIL FROM:<orders@shopmesh.example> SMTPUTF8"), 1);
}
