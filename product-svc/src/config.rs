//! Settings of product-svc.

use std::{path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};
use mesh::config::{ServerConfig, TelemetryConfig, TlsConfig, TokenConfig, seconds};
use mesh_data::config::{DatabaseConfig, KafkaConfig, PageConfig};

/// Values of the shared settings that suit this service in devstack.
pub const DEFAULTS: &[(&str, &str)] = &[
    ("listen_address", "127.0.0.1:15052"),
    ("admin_address", "127.0.0.1:9102"),
    ("database_url", "postgres://products:products@127.0.0.1:15432/products"),
    ("tls_cert_file", ".devstack/tls/product-svc.pem"),
    ("tls_key_file", ".devstack/tls/product-svc-key.pem"),
    ("page_token_key_file", ".devstack/secrets/product-svc-page-token-key"),
];

/// Owns the catalogue, prices, stock, reservations and the inventory ledger.
///
/// Without a command it serves.
#[derive(Debug, Clone, Parser)]
#[command(name = "product-svc", version, subcommand_help_heading = "Commands")]
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

    /// Where order-svc is, asked what became of old holds.
    #[arg(long, env, default_value = "https://localhost:15053")]
    pub order_svc_url: http::Uri,

    /// How old a hold may become before order-svc is asked what became of its checkout,
    /// in seconds.
    #[arg(long, env, default_value = "30", value_parser = seconds)]
    pub hold_seconds_max: Duration,

    /// The one currency of the shop, ISO 4217.
    #[arg(long, env, default_value = "EUR")]
    pub shop_currency: String,
}

/// What the program does instead of serving.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Bring the database schema up, then end.
    Migrate,
    /// Create or change products from a CSV or JSON file, by SKU: all rows or none.
    Import {
        /// The file: CSV with a header line, or a JSON array of objects.
        file: PathBuf,
    },
    /// Publish the dead letters of a topic to it again, then end.
    ReplayDeadLetters {
        /// `order-created` or `order-cancelled`.
        topic: String,
    },
}
