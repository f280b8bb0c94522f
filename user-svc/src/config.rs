//! Settings of user-svc.

use std::{path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};
use mesh::config::{ServerConfig, TelemetryConfig, TlsConfig, TokenConfig, seconds};
use mesh_data::config::{DatabaseConfig, KafkaConfig, PageConfig};
use secrecy::SecretString;

use crate::user::Role;

/// Values of the shared settings that suit this service in devstack.
pub const DEFAULTS: &[(&str, &str)] = &[
    ("listen_address", "127.0.0.1:15051"),
    ("admin_address", "127.0.0.1:9101"),
    ("database_url", "postgres://users:users@127.0.0.1:15432/users"),
    ("tls_cert_file", ".devstack/tls/user-svc.pem"),
    ("tls_key_file", ".devstack/tls/user-svc-key.pem"),
    ("page_token_key_file", ".devstack/secrets/user-svc-page-token-key"),
];

/// Owns accounts, credentials, sessions, API clients and signing keys.
///
/// Without a command it serves.
#[derive(Debug, Parser)]
#[command(name = "user-svc", version, subcommand_help_heading = "Commands")]
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

    /// Folder of the keys that sign access tokens: Ed25519, PKCS#8 PEM, `KID.pem`. The
    /// last by name signs, all are published; changes are taken in without a restart.
    #[arg(long, env, default_value = ".devstack/secrets/signing-keys")]
    pub signing_keys_dir: PathBuf,

    /// How long a key that appears in a running service is published before it signs, in
    /// seconds: as long as the folders of two replicas may differ.
    #[arg(long, env, default_value = "5", value_parser = seconds)]
    pub signing_key_notice_seconds: Duration,

    /// How long a session lives that is not used, in days, 1 to 400.
    #[arg(long, env, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=400))]
    pub session_days_max: u16,
}

/// What the program does instead of serving.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Bring the database schema up, then end.
    Migrate,
    /// Make an account that may do all; one that is there becomes admin and keeps its
    /// password.
    CreateAdmin {
        /// Its address.
        #[arg(long)]
        email: String,
        /// How the shop addresses the person, where the account is new.
        #[arg(long)]
        display_name: String,
        /// Its password, where the account is new. Comes from the environment, since
        /// arguments can be seen by others.
        #[arg(long, env, hide_env_values = true)]
        admin_password: Option<SecretString>,
    },
    /// Make an API client for an internal system, and print its id and secret: the
    /// secret is shown only this once.
    CreateClient {
        /// What the system is called, for people.
        name: String,
        /// What it may do.
        #[arg(long, value_enum)]
        role: Role,
    },
}

impl Config {
    /// How long a session lives that is not used.
    pub fn session_duration_max(&self) -> Duration {
        Duration::from_secs(u64::from(self.session_days_max) * 24 * 60 * 60)
    }
}
