//! Settings of order-svc.

use clap::{Parser, Subcommand};
use mesh::config::{ServerConfig, TelemetryConfig, TlsConfig, TokenConfig};
use mesh_data::config::{DatabaseConfig, KafkaConfig, PageConfig};

/// Values of the shared settings that suit this service in devstack.
pub const DEFAULTS: &[(&str, &str)] = &[
    ("listen_address", "127.0.0.1:15053"),
    ("admin_address", "127.0.0.1:9103"),
    ("database_url", "postgres://orders:orders@127.0.0.1:15432/orders"),
    ("tls_cert_file", ".devstack/tls/order-svc.pem"),
    ("tls_key_file", ".devstack/tls/order-svc-key.pem"),
    ("page_token_key_file", ".devstack/secrets/order-svc-page-token-key"),
];

/// Owns orders, what became of checkouts, and the statistics of both.
///
/// Without a command it serves.
#[derive(Debug, Clone, Parser)]
#[command(name = "order-svc", version, subcommand_help_heading = "Commands")]
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

    /// Consumer group of all replicas. Another one gets all events that the topics still
    /// hold.
    #[arg(long, env, default_value = "order-svc")]
    pub kafka_group: String,

    /// Where product-svc is, which holds the stock of checkouts.
    #[arg(long, env, default_value = "https://localhost:15052")]
    pub product_svc_url: http::Uri,

    /// The one currency of the shop, ISO 4217.
    #[arg(long, env, default_value = "EUR")]
    pub shop_currency: String,
}

/// What the program does instead of serving.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Bring the database schema up, then end.
    Migrate,
    /// Publish the dead letters of a topic to it again, then end.
    ReplayDeadLetters {
        /// `mail-state`.
        topic: String,
    },
}
