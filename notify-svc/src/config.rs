//! Settings of notify-svc.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};
use lettre::message::Mailbox;
use mesh::config::{seconds, secret_url};
use mesh_data::{commands, config::Settings};
use secrecy::SecretString;
use url::Url;

use crate::{address::with_ascii_domain, notification::RetentionPolicy};

/// Default values of the shared settings, for devstack.
pub const DEFAULTS: &[(&str, &str)] = &[
    ("listen_address", "127.0.0.1:15054"),
    ("admin_address", "127.0.0.1:9104"),
    ("database_url", "postgres://notifications:notifications@127.0.0.1:15432/notifications"),
    ("tls_cert_file", ".devstack/tls/notify-svc.pem"),
    ("tls_key_file", ".devstack/tls/notify-svc-key.pem"),
    ("kafka_tls_ca_file", ".devstack/tls/ca.pem"),
    ("kafka_tls_cert_file", ".devstack/tls/notify-svc.pem"),
    ("kafka_tls_key_file", ".devstack/tls/notify-svc-key.pem"),
    ("page_token_key_file", ".devstack/secrets/notify-svc-page-token-key"),
];

/// Owns the mails to customers and their delivery.
///
/// Without a command, serves.
#[derive(Debug, Clone, Parser)]
#[command(name = "notify-svc", version, subcommand_help_heading = "Commands")]
pub struct Config {
    #[command(subcommand)]
    #[allow(missing_docs, reason = "would replace the help of the commands")]
    pub command: Option<Command>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "the group documents itself")]
    pub settings: Settings,
    #[command(flatten)]
    #[allow(missing_docs, reason = "the group documents itself")]
    pub smtp: SmtpConfig,
    #[command(flatten)]
    #[allow(missing_docs, reason = "the group documents itself")]
    pub delivery: DeliveryConfig,
    #[command(flatten)]
    #[allow(missing_docs, reason = "the group documents itself")]
    pub retention: RetentionConfig,

    /// Consumer group of all replicas. A new group receives all events that the topics
    /// still contain.
    #[arg(long, env, default_value = "notify-svc")]
    pub kafka_group: String,

    /// URL of user-svc, which creates the links of mails to accounts.
    #[arg(long, env, default_value = "https://localhost:15051")]
    pub user_svc_url: http::Uri,

    /// Sender of the mails, as `Name <address>`.
    #[arg(long, env, default_value = "Shopmesh <orders@shopmesh.example>", value_parser = sender)]
    pub mail_from: Mailbox,

    /// Public URL of the shop: the start of all links in mails.
    #[arg(long, env, default_value = "http://127.0.0.1:8080", value_parser = public_url)]
    pub public_url: Url,
}

/// The mail server.
#[derive(Debug, Clone, Args)]
pub struct SmtpConfig {
    /// Mail server: `smtp://` (plain), `smtp+starttls://` or `smtps://`, then
    /// `user:password@` if it requires authentication, then `host:port`.
    #[arg(long, env, hide_env_values = true, default_value = "smtp://127.0.0.1:1025",
          value_parser = secret_url)]
    pub smtp_url: SecretString,

    /// Authority that signed the mail server's certificate, PEM. Default: the public ones.
    #[arg(long, env)]
    pub smtp_ca_file: Option<PathBuf>,

    /// Longest duration of connecting to the mail server, and of sending one mail up to its final
    /// dot, in seconds.
    #[arg(long, env, default_value = "60", value_parser = seconds)]
    pub smtp_seconds_max: Duration,

    /// Longest wait for the reply after the final dot of a mail, in seconds. If it is too short, a
    /// mail that the server accepts slowly is sent again, up to five times. Source: RFC 5321,
    /// 4.5.3.2.6.
    #[arg(long, env, default_value = "600", value_parser = seconds)]
    pub smtp_dot_seconds_max: Duration,
}

/// Delivery of mails.
#[derive(Debug, Clone, Args)]
pub struct DeliveryConfig {
    /// Number of workers, each with its own connection to the mail server.
    #[arg(long, env, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub delivery_workers: u16,

    /// Number of attempts after which a mail fails that is rejected temporarily. The default is
    /// more than RETRY_HOURS_MAX allows.
    #[arg(long, env, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub delivery_attempts_max: u16,

    /// Hours after its first attempt until which a mail is retried that is rejected temporarily.
    /// Source of the default: RFC 5321, 4.5.4.1.
    #[arg(long, env, default_value_t = 96, value_parser = clap::value_parser!(u16).range(1..=720))]
    pub retry_hours_max: u16,

    /// Delay before a mail is retried that was rejected temporarily, in seconds. Doubles
    /// with each rejection, up to an hour.
    #[arg(long, env, default_value = "30", value_parser = seconds)]
    pub retry_seconds_min: Duration,
}

/// Retention of mails.
#[derive(Debug, Clone, Args)]
pub struct RetentionConfig {
    /// Days after which the content of a mail that was sent or has failed is deleted. It can
    /// no longer be resent.
    #[arg(long, env, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..))]
    pub content_retention_days: u16,

    /// Days after which a mail that was sent or has failed is deleted. At least the retention of
    /// the topics and of their dead-letter queues, and once more that of the topics after a
    /// replay: a copy of the event that arrives later is mailed again.
    #[arg(long, env, default_value_t = 45, value_parser = clap::value_parser!(u16).range(42..))]
    pub notification_retention_days: u16,
}

impl RetentionConfig {
    /// Returns the periods as durations.
    pub fn policy(&self) -> RetentionPolicy {
        let days = |days: u16| Duration::from_hours(24 * u64::from(days));
        RetentionPolicy {
            content: days(self.content_retention_days),
            notification: days(self.notification_retention_days),
        }
    }
}

/// What the program does instead of serving.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    #[command(flatten)]
    #[allow(missing_docs, reason = "the commands document themselves")]
    Shared(commands::Command),
}

/// Reads a mailbox. Its domain is also a part of `Message-ID` and the name in EHLO.
fn sender(value: &str) -> Result<Mailbox, String> {
    let mailbox: Mailbox = value.parse().map_err(|_| "must be `Name <address>`")?;
    let email = with_ascii_domain(&mailbox.email).ok_or("the domain is not valid")?;
    Ok(Mailbox { email, ..mailbox })
}

/// Reads a URL to which paths can be appended.
fn public_url(value: &str) -> Result<Url, String> {
    let url = Url::parse(value).map_err(|error| error.to_string())?;
    if matches!(url.scheme(), "http" | "https") && url.query().is_none() {
        Ok(url)
    } else {
        Err("must be http://… or https://… without a query".into())
    }
}
