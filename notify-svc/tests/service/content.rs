//! The content of mails, as customers see it in the mailbox.

use devstack::testing::Env;
use mesh_data::consumer::Handler;
use proto::{
    notify::v1::{NotificationKind, NotificationState},
    order::v1::{OrderCancelled, OrderCreated, OrderShipped},
    user::v1::{
        MailedLink, PasswordChangedMail, PasswordResetMail, UserMailRequested, WelcomeMail,
        user_mail_requested::Mail,
    },
};
use serde_json::Value;
use tests::eventually;
use uuid::Uuid;

use crate::{
    harness::{Service, order, order_created, record, someone, text, user_mail},
    mail_server::{Encryption, MailServer, Response},
    mailbox::mails_to,
};

async fn only_mail_to(recipient: &str) -> Value {
    let mails = eventually("a mail", async || {
        Some(mails_to(recipient).await).filter(|mails| !mails.is_empty())
    });
    let mut mails = mails.await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    mails.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_confirmed_with_its_items_and_total_in_text_and_html() {
    let service = Service::start(&Env::from_env().smtp_url()).await;
    let recipient = someone();
    let order = order();
    let event = OrderCreated {
        event_id: Uuid::now_v7().to_string(),
        order: Some(order.clone()),
        customer_email: recipient.clone(),
        customer_name: "Ann Möller".into(),
        customer_email_verified: true,
    };
    service.receive(&[record(&event)]).await;

    let mail = only_mail_to(&recipient).await;
    let number = &order.order_id[..8];
    assert_eq!(text(&mail, "subject"), format!("Your order {number} is confirmed"));
    assert_eq!(mail["to"][0]["name"], "Ann Möller");
    assert_eq!(mail["from"][0]["address"], "orders@shopmesh.example");
    let link = format!("https://shop.example/orders/{}", order.order_id);
    for part in [text(&mail, "text"), &text(&mail, "html").replace("&#x2f;", "/")] {
        for expected in [
            "Ann M",
            number,
            "Enamel cup, 300 ml",
            "12.50",
            "25.00",
            "1,199.00",
            "1,224.00",
            &link,
            "24103 Kiel",
        ] {
            assert!(part.contains(expected), "{expected} in {part}");
        }
    }
    let notification = service.until_state(&recipient, NotificationState::Sent).await;
    assert_eq!(notification.kind(), NotificationKind::OrderConfirmation);
    assert_eq!(notification.order_id, order.order_id);
    assert_eq!(notification.subject, text(&mail, "subject"));
    assert_eq!(notification.attempts.len(), 1);
    assert_eq!(notification.attempts[0].reply_code, 250);
    assert!(notification.send_time.is_some() && notification.next_attempt_time.is_none());
    let id = format!("<{}.0@shopmesh.example>", notification.notification_id);
    assert_eq!(notification.attempts[0].message_id, id);
    assert_eq!(format!("<{}>", text(&mail, "messageId").trim_matches(['<', '>'])), id);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_other_mail_is_sent_as_well() {
    let service = Service::start(&Env::from_env().smtp_url()).await;
    let (shipped, cancelled, new) = (someone(), someone(), someone());
    let events = [
        record(&OrderShipped {
            event_id: Uuid::now_v7().to_string(),
            order: Some(order()),
            customer_email: shipped.clone(),
            customer_name: "Ann".into(),
            customer_email_verified: true,
        }),
        record(&OrderCancelled {
            event_id: Uuid::now_v7().to_string(),
            order: Some(order()),
            customer_email: cancelled.clone(),
            customer_name: "Ann".into(),
            customer_email_verified: true,
        }),
        record(&user_mail(&new, Mail::Welcome(WelcomeMail::default()))),
    ];
    service.receive(&events).await;
    for (recipient, subject) in
        [(shipped, "on its way"), (cancelled, "was cancelled"), (new, "Welcome to Shopmesh")]
    {
        let mail = only_mail_to(&recipient).await;
        assert!(text(&mail, "subject").contains(subject), "{mail}");
        assert!(text(&mail, "text").contains("Ann") && text(&mail, "html").contains("Ann"));
    }
}

fn link(token: &str) -> MailedLink {
    let expire_time = Some(prost_types::Timestamp { seconds: 1_795_000_000, nanos: 0 });
    MailedLink { token: token.into(), expire_time, ..MailedLink::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mail_about_a_new_password_links_to_the_page_that_sets_another() {
    let service = Service::start(&Env::from_env().smtp_url()).await;
    let recipient = someone();
    let changed = Mail::PasswordChanged(PasswordChangedMail {});
    service.receive(&[record(&user_mail(&recipient, changed))]).await;
    let mail = only_mail_to(&recipient).await;
    assert_eq!(text(&mail, "subject"), "Your password at Shopmesh was changed");
    for part in [text(&mail, "text"), &text(&mail, "html").replace("&#x2f;", "/")] {
        assert!(part.contains("https://shop.example/reset-password"), "{part}");
    }
    let notification = service.until_state(&recipient, NotificationState::Sent).await;
    assert_eq!(notification.kind(), NotificationKind::PasswordChanged);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_link_is_rejected() {
    let service = Service::start(&Env::from_env().smtp_url()).await;
    let handler = service.handler();
    let decode = |link: Option<MailedLink>| {
        let mail = Mail::PasswordReset(PasswordResetMail { link });
        handler.decode(&record(&user_mail("ann@example.com", mail)))
    };
    let requested = |id: &str| Some(MailedLink { link_id: id.into(), ..MailedLink::default() });
    assert!(decode(Some(link("abc"))).is_ok());
    assert!(decode(requested("0197d3a0-0000-7000-8000-000000000000")).is_ok());
    for bad in [
        None,
        Some(link("")),
        requested(""),
        requested("abc"),
        Some(link("a b")),
        Some(link("a\r\nBcc: eve@example.com")),
        Some(link("\"><script>")),
        Some(link(&"x".repeat(129))),
        Some(MailedLink { expire_time: None, ..link("abc") }),
    ] {
        assert!(decode(bad.clone()).is_err(), "{bad:?}");
    }
    let unknown = UserMailRequested {
        mail: None,
        ..user_mail("ann@example.com", Mail::Welcome(WelcomeMail::default()))
    };
    assert!(handler.decode(&record(&unknown)).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_are_shown_as_text() {
    let service = Service::start(&Env::from_env().smtp_url()).await;
    let recipient = someone();
    let mut order = order();
    order.items[0].name = "<script>alert(1)</script>\r\nBcc: eve@example.com".into();
    order.items[1].name = "\u{202e}\"{{ 7 * 7 }}\" & 日本 🎁".into();
    let event = OrderCreated {
        event_id: Uuid::now_v7().to_string(),
        order: Some(order),
        customer_email: recipient.clone(),
        customer_name: "Eve\r\nBcc: eve@example.com\r\n\r\n<b>".into(),
        customer_email_verified: true,
    };
    service.receive(&[record(&event)]).await;

    let mail = only_mail_to(&recipient).await;
    assert_eq!(mail["envelope"]["to"].as_array().map(Vec::len), Some(1), "{mail}");
    assert!(mail.get("bcc").is_none_or(|bcc| bcc.as_array().is_none_or(Vec::is_empty)), "{mail}");
    assert_eq!(mail["to"][0]["name"], "Eve Bcc: eve@example.com <b>");
    let html = text(&mail, "html");
    assert!(!html.contains("<script") && !html.contains("<b>") && html.contains("&lt;script&gt;"));
    assert!(html.contains("{{ 7 * 7 }}"), "{html}");
    assert!(text(&mail, "text").contains("\"{{ 7 * 7 }}\" & 日本 🎁"), "{mail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_event_causes_one_mail_and_one_without_an_address_none() {
    let service = Service::start(&Env::from_env().smtp_url()).await;
    let recipient = someone();
    let event = order_created(&recipient);
    service.receive(&[event.clone(), order_created(""), event.clone()]).await;
    service.until_state(&recipient, NotificationState::Sent).await;
    service.receive(std::slice::from_ref(&event)).await;
    service.receive(&[event]).await;

    let statistics = service.statistics().await;
    assert_eq!((statistics.pending, statistics.sent, statistics.failed), (0, 1, 0));
    assert!(statistics.oldest_pending_age.is_none());
    assert_eq!(mails_to(&recipient).await.len(), 1);
    assert_eq!(service.find(&recipient).await.attempts.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_the_content_of_its_mail_is_rejected() {
    let service = Service::start(&Env::from_env().smtp_url()).await;
    let valid = OrderCreated {
        event_id: Uuid::now_v7().to_string(),
        order: Some(order()),
        customer_email: someone(),
        customer_name: "Ann".into(),
        customer_email_verified: true,
    };
    let handler = service.handler();
    assert!(handler.decode(&record(&valid)).is_ok());
    let mut invalid = vec![
        OrderCreated { event_id: "7".into(), ..valid.clone() },
        OrderCreated { order: None, ..valid.clone() },
        OrderCreated { customer_email: "x".repeat(400), ..valid.clone() },
    ];
    let broken: [fn(&mut proto::order::v1::Order); 4] = [
        |order| order.order_id.clear(),
        |order| order.total = None,
        |order| order.items[0].price = Some(proto::money::from_minor(1, "XYZ")),
        |order| order.items = vec![order.items[0].clone(); 1001],
    ];
    for break_order in broken {
        let mut event = valid.clone();
        break_order(event.order.as_mut().expect("the event has an order"));
        invalid.push(event);
    }
    for event in invalid {
        assert!(handler.decode(&record(&event)).is_err(), "{event:?}");
    }
    let mut unknown = record(&valid);
    unknown.message = "shopmesh.order.v1.Other".into();
    assert!(handler.decode(&unknown).is_err());
    let garbage = mesh_data::kafka::Record { payload: vec![0xff; 40], ..record(&valid) };
    assert!(handler.decode(&garbage).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_has_the_subject_that_lists_show() {
    let port = MailServer::free_port().await;
    let service = Service::start(&format!("smtp://127.0.0.1:{port}")).await;
    let recipient = someone();
    service.receive(&[order_created(&recipient)]).await;
    // Like the subject of another version of the template.
    service.execute("UPDATE notifications SET subject = 'Your order'").await;
    let server = MailServer::start_with(port, Encryption::None, |_| Response::Usual).await;
    let sent = service.until_state(&recipient, NotificationState::Sent).await;
    assert_eq!(sent.subject, "Your order");
    let [mail] = &server.accepted_for(&recipient)[..] else { panic!("one mail is sent") };
    assert_eq!(mail.header("Subject"), sent.subject);
}
