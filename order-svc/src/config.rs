//! Settings of order-svc.

use clap::{Parser, Subcommand};
use mesh_data::{commands, config::Settings};

use crate::order::open_orders::OpenOrders;

/// Values of the shared settings that suit this service in devstack.
pub const DEFAULTS: &[(&str, &str)] = &[
    ("listen_address", "127.0.0.1:15053"),
    ("admin_address", "127.0.0.1:9103"),
    ("database_url", "postgres://orders:orders@127.0.0.1:15432/orders"),
    ("tls_cert_file", ".devstack/tls/order-svc.pem"),
    ("tls_key_file", ".devstack/tls/order-svc-key.pem"),
    ("kafka_tls_ca_file", ".devstack/tls/ca.pem"),
    ("kafka_tls_cert_file", ".devstack/tls/order-svc.pem"),
    ("kafka_tls_key_file", ".devstack/tls/order-svc-key.pem"),
    ("page_token_key_file", ".devstack/secrets/order-svc-page-token-key"),
];

/// Owns orders, checkout outcomes, and the statistics of orders.
///
/// Without a command, serves.
#[derive(Debug, Clone, Parser)]
#[command(name = "order-svc", version, subcommand_help_heading = "Commands")]
pub struct Config {
    #[command(subcommand)]
    #[allow(missing_docs, reason = "would replace the help of the commands")]
    pub command: Option<Command>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "the group documents itself")]
    pub settings: Settings,

    /// Consumer group of all replicas. A new group gets all events that the topics still
    /// have.
    #[arg(long, env, default_value = "order-svc")]
    pub kafka_group: String,

    /// URL of product-svc, which holds the stock of checkouts.
    #[arg(long, env, default_value = "https://localhost:15052")]
    pub product_svc_url: http::Uri,

    /// The one currency of the shop, ISO 4217.
    #[arg(long, env, default_value = "EUR")]
    pub shop_currency: String,

    /// Most open orders (neither shipped nor cancelled) of an account whose address is not verified;
    /// a further one is rejected with RATE_LIMITED. 0: unlimited.
    #[arg(long, env, default_value_t = 20)]
    pub unverified_orders_max: u32,

    /// Most units in the open orders of an account whose address is not verified. 0: unlimited.
    #[arg(long, env, default_value_t = 100)]
    pub unverified_units_max: u32,
}

impl Config {
    /// Returns the limit on open orders of an account whose address is not verified.
    pub fn unverified_max(&self) -> OpenOrders {
        let or_unlimited = |max: u32| if max == 0 { i64::MAX } else { max.into() };
        OpenOrders {
            orders: or_unlimited(self.unverified_orders_max),
            units: or_unlimited(self.unverified_units_max),
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
