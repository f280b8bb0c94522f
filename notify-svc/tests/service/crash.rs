//! Death at the worst moment: the mail is out, and nobody has written it down.

use std::process::{Command, Stdio};

use secrecy::ExposeSecret;
use tests::eventually;

use crate::{
    harness::{Desk, execute, order_created, someone, start},
    mail_server::{Answer, Encryption, MailServer},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_death_kept_from_being_marked_goes_again_under_the_same_message_id() {
    let port = MailServer::free_port().await;
    let recipient = someone();
    // Nothing answers yet, so that the desk's own service sends nothing.
    let desk = Desk::open(&format!("smtp://127.0.0.1:{port}")).await;
    desk.receive(&[order_created(&recipient)]).await;
    let Desk { service, app, config, .. } = desk;
    service.stop().await;
    let server = MailServer::start_with(port, Encryption::None, |_| Answer::Usual).await;

    let mut process = Command::new(env!("CARGO_BIN_EXE_notify-svc"))
        .env("CRASH_AT", "after-mail")
        .env("RUST_LOG", "error")
        .env("LISTEN_ADDRESS", "127.0.0.1:0")
        .env("ADMIN_ADDRESS", "127.0.0.1:0")
        .env("DATABASE_URL", config.settings.database.database_url.expose_secret())
        .env("SMTP_URL", config.smtp.smtp_url.expose_secret())
        .env("KAFKA_BROKERS", &config.settings.kafka.kafka_brokers)
        .env("JWKS_URL", config.settings.token.jwks_url.to_string())
        .env("TLS_CERT_FILE", &config.settings.tls.tls_cert_file)
        .env("TLS_KEY_FILE", &config.settings.tls.tls_key_file)
        .env("TLS_CA_FILE", &config.settings.tls.tls_ca_file)
        .env("PAGE_TOKEN_KEY_FILE", &config.settings.page.page_token_key_file)
        .stderr(Stdio::null())
        .spawn()
        .expect("the program is built");
    let status = eventually("it dies", || std::future::ready(process.try_wait().unwrap())).await;
    assert!(!status.success());
    assert_eq!(server.taken_for(&recipient).len(), 1);

    execute(&app, "UPDATE deliveries SET leased_until = now()").await;
    let _replica = start(&config).await;
    let twice = eventually("it goes again", async || {
        Some(server.taken_for(&recipient)).filter(|taken| taken.len() == 2)
    })
    .await;
    assert_eq!(twice[0].header("Message-ID"), twice[1].header("Message-ID"));
}
