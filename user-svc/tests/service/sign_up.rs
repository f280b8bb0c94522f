//! SignUp, and the welcome mail that follows.

use std::sync::Arc;

use devstack::testing::Env;
use mesh::{BoxError, Error};
use mesh_data::{
    config::KafkaConfig,
    consumer::{Handler, consume},
    kafka::{Producer, Record},
};
use prost::Message;
use proto::user::v1::{
    GetCurrentUserRequest, Role, SignUpRequest, UserMailRequested, WelcomeMail,
    user_mail_requested::Mail,
};
use tests::{PATIENCE, issuer::with_token, status::bad_fields};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::harness::{PASSWORD, refusal, sign_up_request, start, start_without_broker};

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_as_it_was_asked_for_and_can_log_in_at_once() {
    let service = start().await;
    let request = SignUpRequest {
        display_name: " Ada Lovelace ".into(),
        ..sign_up_request("Ada@Example.com")
    };
    let made = service.users().sign_up(request).await.unwrap().into_inner().user.unwrap();
    assert_eq!(
        (made.email.as_str(), made.display_name.as_str()),
        ("Ada@Example.com", "Ada Lovelace")
    );
    assert_eq!((made.role(), made.email_verified), (Role::Customer, false));
    assert!(made.create_time.is_some());

    let login = service.log_in("ada@EXAMPLE.com").await;
    assert_eq!(login.user.as_ref(), Some(&made));
    let request = with_token(&login.access_token, GetCurrentUserRequest {});
    let read = service.users().get_current_user(request).await.unwrap().into_inner().user;
    assert_eq!(read.as_ref(), Some(&made));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_bad_fields_are_told_at_once() {
    let service = start().await;
    let request = SignUpRequest {
        email: "nobody".into(),
        password: "short".into(),
        display_name: " ".into(),
    };
    let status = service.users().sign_up(request).await.unwrap_err();
    assert_eq!(tests::status::reason(&status), "VALIDATION_FAILED");
    assert_eq!(bad_fields(&status), ["email", "password", "display_name"]);
    let leaks = |text: &str| status.message().contains(text);
    assert!(!leaks("nobody") && !leaks("short"), "{}", status.message());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_taken_whatever_its_case() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    for email in ["ada@example.com", "ADA@example.COM"] {
        let status = service.users().sign_up(sign_up_request(email)).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::AlreadyExists);
        assert_eq!(tests::status::reason(&status), "EMAIL_TAKEN");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_want_one_address_at_once_one_gets_it() {
    let service = start().await;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let mut users = service.users();
            tokio::spawn(async move { users.sign_up(sign_up_request("ada@example.com")).await })
        })
        .collect();
    let mut made = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => made += 1,
            Err(status) => assert_eq!(tests::status::reason(&status), "EMAIL_TAKEN"),
        }
    }
    assert_eq!(made, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_of_128_characters_of_any_kind_is_kept_whole() {
    let service = start().await;
    let password = "ß🔑".repeat(64);
    let request = SignUpRequest { password: password.clone(), ..sign_up_request("a@example.com") };
    service.users().sign_up(request).await.unwrap();
    let log_in = async |password: String| {
        let request = crate::harness::login_request("a@example.com", &password);
        service.users().login(request).await
    };
    assert!(log_in(password.clone()).await.is_ok());
    let cut = password.chars().take(127).collect();
    assert_eq!(refusal(log_in(cut).await), "BAD_CREDENTIALS");
    assert_eq!(refusal(log_in(PASSWORD.into()).await), "BAD_CREDENTIALS");
}

struct Mails(mpsc::UnboundedSender<(Record, UserMailRequested)>);

impl Handler for Mails {
    type Event = Arc<(Record, UserMailRequested)>;

    fn decode(&self, record: &Record) -> Result<Self::Event, BoxError> {
        Ok(Arc::new((record.clone(), UserMailRequested::decode(&record.payload[..])?)))
    }

    async fn handle(&self, events: Vec<Self::Event>) -> Result<(), Error> {
        events.into_iter().for_each(|event| drop(self.0.send((*event).clone())));
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_account_is_greeted_and_a_refused_one_is_not() {
    let service = start().await;
    let (sender, mut mails) = mpsc::unbounded_channel();
    let kafka = KafkaConfig { kafka_brokers: Env::from_env().kafka_brokers() };
    let group = format!("test-{}", uuid::Uuid::now_v7());
    let stop = CancellationToken::new();
    let _stop = stop.clone().drop_guard();
    tokio::spawn(async move {
        let producer = Producer::new(&kafka).unwrap();
        consume(&kafka, &group, &["user-mail"], Mails(sender), producer, stop).await.unwrap();
    });

    let request = sign_up_request("Ada@example.com");
    let made = service.users().sign_up(request).await.unwrap().into_inner().user.unwrap();
    let taken = service.users().sign_up(sign_up_request("ada@example.com")).await;
    assert_eq!(refusal(taken), "EMAIL_TAKEN");
    let other = service.users().sign_up(sign_up_request("bob@example.com")).await.unwrap();
    let other = other.into_inner().user.unwrap();

    // Other tests greet accounts of their own; in the topic they lie beside ours.
    let mut ours = Vec::new();
    while ours.len() < 2 {
        let next = tokio::time::timeout(PATIENCE, mails.recv());
        let (record, mail) = next.await.expect("the mail is asked for in time").unwrap();
        if [&made.user_id, &other.user_id].contains(&&record.key) {
            ours.push((record, mail));
        }
    }
    ours.sort_by_key(|(_, mail)| mail.email.clone());
    let (record, mail) = &ours[0];
    assert_eq!(record.message, "shopmesh.user.v1.UserMailRequested");
    assert_eq!((&record.key, &mail.user_id), (&made.user_id, &made.user_id));
    assert_eq!(
        (mail.email.as_str(), mail.display_name.as_str()),
        ("Ada@example.com", "Ada Lovelace")
    );
    assert_eq!(mail.create_time, made.create_time);
    let Some(Mail::Welcome(WelcomeMail { verification: Some(link) })) = &mail.mail else {
        panic!("{mail:?}");
    };
    assert_eq!(link.token.len(), 43);
    assert_eq!(ours[1].1.email, "bob@example.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_broker_accounts_are_made_and_their_mails_wait() {
    let service = start_without_broker().await;
    service.sign_up("ada@example.com").await;
    service.log_in("ada@example.com").await;
    service.execute("DO $$ BEGIN ASSERT (SELECT count(*) FROM outbox) = 1; END $$").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_when_it_is_asked_to() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    service.stop().await;
}
