//! Settings of product-svc.

use std::{path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};
use mesh::config::seconds;
use mesh_data::{commands, config::Settings};

/// Defaults of the shared settings that suit this service in devstack.
pub const DEFAULTS: &[(&str, &str)] = &[
    ("listen_address", "127.0.0.1:15052"),
    ("admin_address", "127.0.0.1:9102"),
    ("database_url", "postgres://products:products@127.0.0.1:15432/products"),
    ("tls_cert_file", ".devstack/tls/product-svc.pem"),
    ("tls_key_file", ".devstack/tls/product-svc-key.pem"),
    ("kafka_tls_ca_file", ".devstack/tls/ca.pem"),
    ("kafka_tls_cert_file", ".devstack/tls/product-svc.pem"),
    ("kafka_tls_key_file", ".devstack/tls/product-svc-key.pem"),
    ("page_token_key_file", ".devstack/secrets/product-svc-page-token-key"),
];

/// Owns the catalogue, prices, stock, reservations and the inventory ledger.
///
/// Without a command, serves.
#[derive(Debug, Clone, Parser)]
#[command(name = "product-svc", version, subcommand_help_heading = "Commands")]
pub struct Config {
    #[command(subcommand)]
    #[allow(missing_docs, reason = "each command documents itself")]
    pub command: Option<Command>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "the group documents itself")]
    pub settings: Settings,

    /// Consumer group of all replicas. A new group receives all events that the topics still have.
    #[arg(long, env, default_value = "product-svc")]
    pub kafka_group: String,

    /// Address of order-svc, which resolves the checkouts of old holds.
    #[arg(long, env, default_value = "https://localhost:15053")]
    pub order_svc_url: http::Uri,

    /// Age in seconds from which the sweeper queries order-svc for the outcome of a hold's checkout.
    #[arg(long, env, default_value = "30", value_parser = seconds)]
    pub hold_seconds_max: Duration,

    /// The one currency of the shop, ISO 4217.
    #[arg(long, env, default_value = "EUR")]
    pub shop_currency: String,
}

impl Config {
    /// Returns the settings without the connections of searches, a quarter of all, and how many
    /// those are.
    pub(crate) fn split_connections(&self) -> (Settings, usize) {
        let mut settings = self.settings.clone();
        let connections_max = &mut settings.database.database_connections_max;
        let of_searches = (*connections_max / 4).max(1);
        *connections_max = connections_max.saturating_sub(of_searches).max(1);
        (settings, of_searches)
    }
}

/// What the program does instead of serving.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    #[command(flatten)]
    #[allow(missing_docs, reason = "the group documents itself")]
    Shared(commands::Command),
    /// Create or change products from a CSV or JSON file, by SKU. A file with an invalid row
    /// changes nothing; the same file again completes an interrupted import.
    Import {
        /// The file: CSV with a header line, or a JSON array of objects.
        file: PathBuf,
    },
}
