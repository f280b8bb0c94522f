//! Settings of user-svc.

use std::{path::PathBuf, time::Duration};

use chrono::TimeDelta;
use clap::{Parser, Subcommand};
use mesh::config::{seconds, secret};
use mesh_data::config::Settings;
use secrecy::SecretString;

use crate::{session::SessionLifetime, user::Role};

/// The values of shared settings for this service in devstack.
pub const DEFAULTS: &[(&str, &str)] = &[
    ("listen_address", "127.0.0.1:15051"),
    ("admin_address", "127.0.0.1:9101"),
    ("database_url", "postgres://users:users@127.0.0.1:15432/users"),
    ("tls_cert_file", ".devstack/tls/user-svc.pem"),
    ("tls_key_file", ".devstack/tls/user-svc-key.pem"),
    ("kafka_tls_ca_file", ".devstack/tls/ca.pem"),
    ("kafka_tls_cert_file", ".devstack/tls/user-svc.pem"),
    ("kafka_tls_key_file", ".devstack/tls/user-svc-key.pem"),
    ("page_token_key_file", ".devstack/secrets/user-svc-page-token-key"),
];

/// Owns accounts, credentials, sessions, API clients and signing keys.
///
/// Without a command, serves.
#[derive(Debug, Parser)]
#[command(name = "user-svc", version, subcommand_help_heading = "Commands")]
pub struct Config {
    #[command(subcommand)]
    #[allow(missing_docs, reason = "the commands document themselves")]
    pub command: Option<Command>,

    #[command(flatten)]
    #[allow(missing_docs, reason = "the group documents itself")]
    pub settings: Settings,

    /// Consumer group of all replicas. A new group receives all events that the topics still
    /// contain.
    #[arg(long, env, default_value = "user-svc")]
    pub kafka_group: String,

    /// Folder of the keys that sign access tokens: Ed25519, PKCS#8 PEM, `KID.pem`. The last by name
    /// signs, all are published; changes are reloaded without a restart.
    #[arg(long, env, default_value = ".devstack/secrets/signing-keys")]
    pub signing_keys_dir: PathBuf,

    /// How long a key that is added to a running service is published before it signs, in seconds: as
    /// long as the folders of two replicas may differ.
    #[arg(long, env, default_value = "5", value_parser = seconds)]
    pub signing_key_notice_seconds: Duration,

    /// How long a session lives without a refresh, in days, 1 to 400.
    #[arg(long, env, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=400))]
    pub session_days_max: u16,

    /// How long a session lives whatever is refreshed, in days, 1 to 400.
    #[arg(long, env, default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=400))]
    pub session_age_days_max: u16,

    /// How long the session of an admin lives whatever is refreshed, in hours, 1 to 9600.
    #[arg(long, env, default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..=9600))]
    pub admin_session_age_hours_max: u16,

    /// How long an access token of role admin is valid, in seconds, 30 to 600. A customer's: 600.
    #[arg(long, env, default_value_t = 120, value_parser = clap::value_parser!(u16).range(30..=600))]
    pub admin_token_seconds: u16,

    /// Most calls of SignUp from one network (an IPv4 address, or the /48 of an IPv6 address) within
    /// an hour, whether or not the address is taken; further ones are rejected with RATE_LIMITED.
    #[arg(long, env, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub sign_ups_max: u32,

    /// Most failed logins from one network within 15 minutes; further ones are rejected with
    /// RATE_LIMITED, except from devices that logged in to the account before.
    #[arg(long, env, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub login_failures_per_network_max: u32,

    /// Most calls in flight from one network that hash or verify a password; further ones are
    /// rejected with OVERLOADED.
    #[arg(long, env, default_value_t = 4)]
    pub password_calls_per_network_max: usize,
}

/// What the program does instead of serving.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    #[command(flatten)]
    #[allow(missing_docs, reason = "the commands document themselves")]
    Shared(mesh_data::commands::Command),
    /// Create an account that is an admin. An existing account becomes an admin and keeps its
    /// password.
    CreateAdmin {
        /// E-mail address of the account.
        #[arg(long)]
        email: String,
        /// Name of the person, if the account is new.
        #[arg(long)]
        display_name: String,
        /// Password, if the account is new. Set it in the environment: other users of the machine can
        /// read arguments.
        #[arg(long, env, hide_env_values = true, value_parser = secret)]
        admin_password: Option<SecretString>,
    },
    /// Create an API client for an internal system, and print its id and secret: the secret is shown
    /// only once.
    CreateClient {
        /// Name of the system, for people.
        name: String,
        /// Role of the client.
        #[arg(long, value_enum)]
        role: Role,
    },
}

impl Config {
    pub(crate) fn session_lifetime(&self) -> SessionLifetime {
        SessionLifetime {
            unused_max: TimeDelta::days(self.session_days_max.into()),
            customer_max: TimeDelta::days(self.session_age_days_max.into()),
            admin_max: TimeDelta::hours(self.admin_session_age_hours_max.into()),
        }
    }

    pub(crate) fn admin_token_duration(&self) -> Duration {
        Duration::from_secs(self.admin_token_seconds.into())
    }
}
