//! Settings of notify-svc.

use std::{path::PathBuf, time::Duration};

use clap::{Parser, Subcommand, builder::PossibleValuesParser};
use lettre::message::Mailbox;
use mesh::config::{ServerConfig, TelemetryConfig, TlsConfig, TokenConfig, seconds};
use mesh_data::config::{DatabaseConfig, KafkaConfig, PageConfig};
use secrecy::SecretString;
use url::Url;

use crate::consumer::{GROUP, TOPICS};

/// Values of the shared settings that suit this service in devstack.
pub const DEFAULTS: &[(&str, &str)] = &[
    ("listen_address", "127.0.0.1:15054"),
    ("admin_address", "127.0.0.1:9104"),
    ("database_url", "postgres://notifications:notifications@127.0.0.1:15432/notifications"),
    ("tls_cert_file", ".devstack/tls/notify-svc.pem"),
    ("tls_key_file", ".devstack/tls/notify-svc-key.pem"),
    ("page_token_key_file", ".devstack/secrets/notify-svc-page-token-key"),
];

/// Owns the mails to customers and what becomes of them.
///
/// Without a command it serves.
#[derive(Debug, Clone, Parser)]
#[command(name = "notify-svc", version, subcommand_help_heading = "Commands")]
#[allow(missing_docs)]
pub struct Config {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub server: ServerConfig,
    #[command(flatten)]
    pub tls: TlsConfig,
    #[command(flatten)]
    pub token: TokenConfig,
    #[command(flatten)]
    pub database: DatabaseConfig,
    #[command(flatten)]
    pub kafka: KafkaConfig,
    #[command(flatten)]
    pub page: PageConfig,
    #[command(flatten)]
    pub telemetry: TelemetryConfig,
    #[command(flatten)]
    pub smtp: SmtpConfig,
    #[command(flatten)]
    pub delivery: DeliveryConfig,

    /// Consumer group of all replicas. Another one gets all events that the topics still
    /// hold.
    #[arg(long, env, default_value = GROUP)]
    pub kafka_group: String,

    /// Who the mails are from, as `Name <address>`.
    #[arg(long, env, default_value = "Shopmesh <orders@shopmesh.example>")]
    pub mail_from: Mailbox,

    /// Where customers reach the shop: what links in mails begin with.
    #[arg(long, env, default_value = "http://127.0.0.1:8080", value_parser = public_url)]
    pub public_url: Url,
}

/// The mail server.
#[derive(Debug, Clone, clap::Args)]
pub struct SmtpConfig {
    /// Mail server: `smtp://` (plain), `smtp+starttls://` or `smtps://`, then
    /// `user:password@` where it wants a log-in, then `host:port`.
    #[arg(long, env, hide_env_values = true, default_value = "smtp://127.0.0.1:1025")]
    pub smtp_url: SecretString,

    /// Authority that signed the mail server's certificate, PEM. Default: the public ones.
    #[arg(long, env)]
    pub smtp_ca_file: Option<PathBuf>,

    /// How long the mail server may take for a connection, and for all of one mail, in
    /// seconds. Too little doubles mails that it takes long to accept.
    #[arg(long, env, default_value = "60", value_parser = seconds)]
    pub smtp_seconds_max: Duration,
}

/// How mails are delivered.
#[derive(Debug, Clone, clap::Args)]
pub struct DeliveryConfig {
    /// How many workers send at once, each on a connection of its own.
    #[arg(long, env, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub delivery_workers: u16,

    /// After how many refusals in passing a mail has failed.
    #[arg(long, env, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub delivery_attempts_max: u16,

    /// How long a mail waits that was refused in passing, in seconds; doubles with each
    /// further refusal, up to an hour.
    #[arg(long, env, default_value = "30", value_parser = seconds)]
    pub retry_seconds_min: Duration,
}

/// What the program does instead of serving.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Bring the database schema up, then end.
    Migrate,
    /// Publish the dead letters of a topic to it again, then end.
    ReplayDeadLetters {
        /// The topic.
        #[arg(value_parser = PossibleValuesParser::new(TOPICS))]
        topic: String,
    },
}

/// Reads a URL that paths can be added to.
fn public_url(value: &str) -> Result<Url, String> {
    let url = Url::parse(value).map_err(|error| error.to_string())?;
    match matches!(url.scheme(), "http" | "https") && url.query().is_none() {
        true => Ok(url),
        false => Err("must be http://… or https://… without a query".into()),
    }
}
