//! Mails with links: user-svc creates the token when the mail is composed.

use devstack::{Service as Part, testing::Env};
use mesh_data::database::Database;
use notify_svc::MIGRATIONS;
use proto::{
    notify::v1::{NotificationKind, NotificationState},
    user::v1::{
        EmailVerificationMail, MailedLink, PasswordResetMail, RequestPasswordResetRequest,
        UserMailRequested, WelcomeMail, user_mail_requested::Mail,
    },
};
use serde_json::Value;
use tests::{
    database, eventually,
    store::{Person, Protocol, Store},
};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use crate::{
    harness::{Service, order_created, record, someone, text, user_mail},
    mail_server::{Encryption, MailServer, Response},
    mailbox::mails_to,
};

/// The sender of the tests' mails: the store sends its own to the same accounts.
const SENDER: &str = "links@shopmesh.example";

/// An account of the store, whose user-svc creates the tokens.
struct Account {
    person: Person,
    users: Database,
}

impl Account {
    async fn create() -> Self {
        let url = Env::from_env().database_url(Part::USER);
        let users = Database::open(&database::config(&url), &MIGRATIONS).unwrap();
        Self { person: Store::shared(Protocol::Grpc).customer().await, users }
    }

    fn email(&self) -> &str {
        &self.person.user.email
    }

    /// Requests a mail that sets a new password, from the store.
    async fn request_reset(&self) {
        let request = RequestPasswordResetRequest { email: self.email().to_owned() };
        Store::shared(Protocol::Grpc).users().request_password_reset(request).await.unwrap();
    }

    /// Returns the account's link for this purpose, as an event names it.
    async fn link(&self, purpose: &str) -> MailedLink {
        let id = &self.person.user.user_id;
        let query =
            format!("SELECT id::text FROM links WHERE user_id = '{id}' AND purpose = '{purpose}'");
        MailedLink { link_id: database::text(&self.users, &query).await, ..MailedLink::default() }
    }

    async fn verify_address(&self) {
        let id = &self.person.user.user_id;
        let verify = format!("UPDATE users SET email_verified = true WHERE id = '{id}'");
        database::execute(&self.users, &verify).await;
    }

    /// Waits for the only mail of the test to this account.
    async fn mail(&self) -> Value {
        eventually("a mail", async || {
            let mails = mails_to(self.email()).await;
            mails.into_iter().find(|mail| mail["from"][0]["address"] == SENDER)
        })
        .await
    }
}

async fn start() -> Service {
    let settings = [("mail-from", "Shopmesh <links@shopmesh.example>")];
    Service::start_with(&Env::from_env().smtp_url(), &settings).await
}

fn reset_mail(link: MailedLink) -> Mail {
    Mail::PasswordReset(PasswordResetMail { link: Some(link) })
}

/// Returns a link as events of versions without `link_id` contain it.
fn issued(token: &str, seconds_left: i64) -> MailedLink {
    let seconds = chrono::Utc::now().timestamp() + seconds_left;
    let expire_time = Some(prost_types::Timestamp { seconds, nanos: 0 });
    MailedLink { token: token.into(), expire_time, ..MailedLink::default() }
}

/// Returns the token in the link to `page`, which text and HTML of the mail contain.
fn token_of(mail: &Value, page: &str) -> String {
    let begin = format!("https://shop.example/{page}#token=");
    let tokens = [text(mail, "text"), &text(mail, "html").replace("&#x2f;", "/")].map(|part| {
        let (_, link) = part.split_once(&begin).unwrap_or_else(|| panic!("no link in {part}"));
        link.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
            .next()
            .unwrap()
            .to_owned()
    });
    assert_eq!(tokens[0], tokens[1]);
    tokens[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_goes_to_the_address_of_its_account_whatever_the_event_says() {
    let service = start().await;
    for (kind, subject, page) in [
        (NotificationKind::Welcome, "Welcome to Shopmesh", "verify-email"),
        (NotificationKind::EmailVerification, "Verify your address at Shopmesh", "verify-email"),
        (NotificationKind::PasswordReset, "Set a new password at Shopmesh", "reset-password"),
    ] {
        let account = Account::create().await;
        let mail = if kind == NotificationKind::PasswordReset {
            account.request_reset().await;
            reset_mail(account.link("reset_password").await)
        } else {
            let link = Some(account.link("verify_email").await);
            if kind == NotificationKind::Welcome {
                Mail::Welcome(WelcomeMail { verification: link })
            } else {
                Mail::EmailVerification(EmailVerificationMail { link })
            }
        };
        let forged = someone();
        service.receive(&[record(&user_mail(&forged, mail))]).await;

        let mail = account.mail().await;
        assert_eq!(text(&mail, "subject"), subject);
        let token = token_of(&mail, page);
        assert_eq!(token.len(), 43, "{token}");
        let notification = service.until_state(account.email(), NotificationState::Sent).await;
        assert_eq!((notification.kind(), &*notification.subject), (kind, subject));
        assert!(!format!("{notification:?}").contains(&token), "{notification:?}");
        assert!(mails_to(&forged).await.is_empty());
        assert!(service.list(&forged).await.is_empty(), "lists show where the mail went");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_with_a_link_has_the_name_of_its_account_once_the_address_is_verified() {
    let service = start().await;
    for is_verified in [false, true] {
        let account = Account::create().await;
        account.request_reset().await;
        if is_verified {
            account.verify_address().await;
        }
        let event = user_mail(account.email(), reset_mail(account.link("reset_password").await));
        let event = UserMailRequested { display_name: "Eve of evil.example".into(), ..event };
        service.receive(&[record(&event)]).await;
        let mail = account.mail().await;
        let name = mail["to"][0]["name"].as_str().unwrap_or_default();
        for part in [text(&mail, "text"), text(&mail, "html"), name] {
            assert_eq!(part.contains("Pat Example"), is_verified, "{part}");
            assert!(!part.contains("evil.example"), "{part}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_whose_link_is_gone_is_dropped_and_so_is_its_resend() {
    let server = MailServer::start(|_| Response::Usual).await;
    let service = Service::start(&server.url()).await;
    let account = Account::create().await;
    account.request_reset().await;
    let replaced = account.link("reset_password").await;
    account.request_reset().await;
    let unknown = MailedLink { link_id: Uuid::now_v7().to_string(), ..MailedLink::default() };
    for link in [replaced, unknown, issued("abc", -1)] {
        let recipient = someone();
        service.receive(&[record(&user_mail(&recipient, reset_mail(link)))]).await;
        let dropped = service.until_state(&recipient, NotificationState::Failed).await;
        service.resend(&dropped.notification_id).await.unwrap();
        let again = service
            .until(&recipient, |found| {
                found.state() == NotificationState::Failed && found.attempts.len() == 2
            })
            .await;
        for attempt in again.attempts {
            assert_eq!(attempt.reply_code, 0);
            assert!(attempt.reply_text.contains("replaced"), "{attempt:?}");
        }
    }
    assert!(server.accepted().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_an_older_version_mails_the_token_that_it_contains() {
    let service = start().await;
    let recipient = someone();
    let token = "Q".repeat(42) + "-_";
    let event = user_mail(&recipient, reset_mail(issued(&token, 600)));
    service.receive(&[record(&event)]).await;
    let mail = eventually("a mail", async || mails_to(&recipient).await.pop()).await;
    assert_eq!(token_of(&mail, "reset-password"), token);
    service.until_state(&recipient, NotificationState::Sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_user_svc_is_down_mails_with_links_wait_without_an_attempt_and_others_are_sent() {
    let port = MailServer::free_port().await;
    let server = MailServer::start_with(0, Encryption::None, |_| Response::Usual).await;
    let url = format!("https://localhost:{port}");
    let service = Service::start_with(&server.url(), &[("user-svc-url", &url)]).await;
    let account = Account::create().await;
    account.request_reset().await;
    let event = user_mail(account.email(), reset_mail(account.link("reset_password").await));
    let buyer = someone();
    service.receive(&[record(&event), order_created(&buyer)]).await;
    service.until_state(&buyer, NotificationState::Sent).await;
    let postponed = "SELECT count(*) FROM deliveries WHERE cut_off_count > 0";
    eventually("a second try", async || {
        (database::number(&service.app.database, postponed).await == 1).then_some(())
    })
    .await;
    let waiting = service.find(account.email()).await;
    assert_eq!((waiting.state(), waiting.attempts), (NotificationState::Pending, vec![]));

    forward(port).await;
    eventually("the mail", async || {
        // The test does not wait until the next attempt is due.
        service.execute("UPDATE deliveries SET due_at = now() WHERE claim_id IS NULL").await;
        server.accepted_for(account.email()).pop()
    })
    .await;
    let sent = service.until_state(account.email(), NotificationState::Sent).await;
    assert_eq!(sent.attempts.len(), 1, "{sent:?}");
}

/// Forwards connections to `port` to the user-svc of the store.
async fn forward(port: u16) {
    let url: http::Uri = Env::from_env().service_url(Part::USER).parse().unwrap();
    let target = url.port_u16().unwrap();
    let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("a free port");
    tokio::spawn(async move {
        while let Ok((mut incoming, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut outgoing = TcpStream::connect(("127.0.0.1", target)).await?;
                tokio::io::copy_bidirectional(&mut incoming, &mut outgoing).await
            });
        }
    });
}
