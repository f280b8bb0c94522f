//! SignUp, and the welcome mail.

use std::sync::Arc;

use mesh::{BoxError, Error};
use mesh_data::{
    consumer::{Handler, consume},
    kafka::{Producer, Record},
};
use prost::Message;
use proto::user::v1::{
    GetCurrentUserRequest, Role, SignUpRequest, UserMailRequested, WelcomeMail,
    user_mail_requested::Mail,
};
use tests::{PATIENCE, issuer::with_token, service::kafka_config};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::harness::{PASSWORD, rejection, sign_up_request, start, start_without_broker};

#[tokio::test(flavor = "multi_thread")]
async fn a_new_account_has_the_requested_fields_and_can_log_in_at_once() {
    let service = start().await;
    let request = SignUpRequest {
        display_name: " Ada Lovelace ".into(),
        ..sign_up_request("Ada@Example.com")
    };
    let created = service.users().sign_up(request).await.unwrap().into_inner().user.unwrap();
    assert_eq!(
        (created.email.as_str(), created.display_name.as_str()),
        ("Ada@Example.com", "Ada Lovelace")
    );
    assert_eq!((created.role(), created.email_verified), (Role::Customer, false));
    assert!(created.create_time.is_some());

    let login = service.log_in("ada@EXAMPLE.com").await;
    assert_eq!(login.user.as_ref(), Some(&created));
    let request = with_token(&login.access_token, GetCurrentUserRequest {});
    let read = service.users().get_current_user(request).await.unwrap().into_inner().user;
    assert_eq!(read.as_ref(), Some(&created));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_address_is_rejected_whatever_its_case() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    for email in ["ada@example.com", "ADA@example.COM"] {
        let status = service.users().sign_up(sign_up_request(email)).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::AlreadyExists);
        assert_eq!(tests::status::reason(&status), "EMAIL_TAKEN");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_concurrent_sign_ups_with_one_address_one_succeeds() {
    let service = start().await;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let mut users = service.users();
            tokio::spawn(async move { users.sign_up(sign_up_request("ada@example.com")).await })
        })
        .collect();
    let mut created = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => created += 1,
            Err(status) => assert_eq!(tests::status::reason(&status), "EMAIL_TAKEN"),
        }
    }
    assert_eq!(created, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_of_128_characters_of_any_kind_is_not_cut() {
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
    assert_eq!(rejection(log_in(cut).await), "BAD_CREDENTIALS");
    assert_eq!(rejection(log_in(PASSWORD.into()).await), "BAD_CREDENTIALS");
}

struct Mails(mpsc::Sender<(Record, UserMailRequested)>);

impl Handler for Mails {
    type Event = Arc<(Record, UserMailRequested)>;

    fn decode(&self, record: &Record) -> Result<Self::Event, BoxError> {
        Ok(Arc::new((record.clone(), UserMailRequested::decode(&record.payload[..])?)))
    }

    async fn handle(&self, events: Vec<Self::Event>) -> Result<(), Error> {
        for event in events {
            let _ = self.0.send((*event).clone()).await;
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_account_gets_a_welcome_mail_and_a_rejected_one_does_not() {
    let service = start().await;
    let (sender, mut mails) = mpsc::channel(100);
    let kafka = kafka_config("notify-svc");
    let group = format!("notify-svc-{}", uuid::Uuid::now_v7());
    let stop = CancellationToken::new();
    let _stop = stop.clone().drop_guard();
    let database = service.database();
    tokio::spawn(async move {
        let (mails, producer) = (Mails(sender), Producer::new(&kafka).unwrap());
        consume(&kafka, &group, &["user-mail"], &database, mails, producer, stop).await.unwrap();
    });

    let request = sign_up_request("Ada@example.com");
    let created = service.users().sign_up(request).await.unwrap().into_inner().user.unwrap();
    let taken = service.users().sign_up(sign_up_request("ada@example.com")).await;
    assert_eq!(rejection(taken), "EMAIL_TAKEN");
    let other = service.users().sign_up(sign_up_request("bob@example.com")).await.unwrap();
    let other = other.into_inner().user.unwrap();

    // The topic also has mails of other tests.
    let mut ours = Vec::new();
    while ours.len() < 2 {
        let next = tokio::time::timeout(PATIENCE, mails.recv());
        let (record, mail) = next.await.expect("the mail is requested in time").unwrap();
        if [&created.user_id, &other.user_id].contains(&&record.key) {
            ours.push((record, mail));
        }
    }
    ours.sort_by_key(|(_, mail)| mail.email.clone());
    let (record, mail) = &ours[0];
    assert_eq!(record.message, "shopmesh.user.v1.UserMailRequested");
    assert_eq!((&record.key, &mail.user_id), (&created.user_id, &created.user_id));
    assert_eq!(
        (mail.email.as_str(), mail.display_name.as_str()),
        ("Ada@example.com", "Ada Lovelace")
    );
    assert_eq!(mail.create_time, created.create_time);
    let Some(Mail::Welcome(WelcomeMail { verification: Some(link) })) = &mail.mail else {
        panic!("{mail:?}");
    };
    assert_eq!(link.token, "", "the token is created when the mail is composed");
    service.issue_link(&link.link_id).await.expect("the link is valid");
    assert_eq!(ours[1].1.email, "bob@example.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_broker_accounts_are_created_and_their_mails_stay_in_the_outbox() {
    let service = start_without_broker().await;
    service.sign_up("ada@example.com").await;
    service.log_in("ada@example.com").await;
    service.execute("DO $$ BEGIN ASSERT (SELECT count(*) FROM outbox) = 1; END $$").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_ends_at_shutdown() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    service.stop().await;
}
