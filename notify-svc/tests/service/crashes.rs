//! A crash after the mail server accepted a mail and before its result is recorded.

use std::process::{Command, Stdio};

use secrecy::ExposeSecret;
use tests::eventually;

use crate::{
    harness::{Service, order_created, someone, start},
    mail_server::{Encryption, MailServer, Response},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_whose_result_a_crash_lost_is_sent_again_under_the_same_message_id() {
    let port = MailServer::free_port().await;
    let recipient = someone();
    // Nothing listens yet, so that the service in this process sends nothing.
    let service = Service::start(&format!("smtp://127.0.0.1:{port}")).await;
    service.receive(&[order_created(&recipient)]).await;
    let Service { process, app, config, .. } = service;
    process.stop().await;
    let server = MailServer::start_with(port, Encryption::None, |_| Response::Usual).await;

    let mut crashing = Command::new(env!("CARGO_BIN_EXE_notify-svc"))
        .env("CRASH_AT", "after-mail")
        .env("RUST_LOG", "error")
        .env("LISTEN_ADDRESS", "127.0.0.1:0")
        .env("ADMIN_ADDRESS", "127.0.0.1:0")
        .env("DATABASE_URL", config.settings.database.database_url.expose_secret())
        .env("SMTP_URL", config.smtp.smtp_url.expose_secret())
        .env("KAFKA_BROKERS", &config.settings.kafka.kafka_brokers)
        .env("KAFKA_TLS_CA_FILE", &config.settings.kafka.kafka_tls_ca_file)
        .env("KAFKA_TLS_CERT_FILE", &config.settings.kafka.kafka_tls_cert_file)
        .env("KAFKA_TLS_KEY_FILE", &config.settings.kafka.kafka_tls_key_file)
        .env("JWKS_URL", config.settings.token.jwks_url.to_string())
        .env("TLS_CERT_FILE", &config.settings.tls.tls_cert_file)
        .env("TLS_KEY_FILE", &config.settings.tls.tls_key_file)
        .env("TLS_CA_FILE", &config.settings.tls.tls_ca_file)
        .env("PAGE_TOKEN_KEY_FILE", &config.settings.page.page_token_key_file)
        .stderr(Stdio::null())
        .spawn()
        .expect("the program is built");
    let status = eventually("the crash", || std::future::ready(crashing.try_wait().unwrap())).await;
    assert!(!status.success());
    assert_eq!(server.accepted_for(&recipient).len(), 1);

    tests::database::execute(&app.database, "UPDATE deliveries SET leased_until = now()").await;
    let _replica = start(&config).await;
    let twice = eventually("the duplicate", async || {
        Some(server.accepted_for(&recipient)).filter(|accepted| accepted.len() == 2)
    })
    .await;
    assert_eq!(twice[0].header("Message-ID"), twice[1].header("Message-ID"));
}
