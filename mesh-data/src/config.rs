//! Settings that all services that own data share.

use std::{convert::Infallible, path::PathBuf};

use clap::Args;
use mesh::config::{ServerConfig, TelemetryConfig, TlsConfig, TokenConfig, secret_url};
use secrecy::SecretString;

/// The settings that every service that owns data has.
#[derive(Debug, Clone, Args)]
#[allow(missing_docs, reason = "each group documents itself")]
pub struct Settings {
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
}

/// The service's own database.
#[derive(Debug, Clone, Args)]
pub struct DatabaseConfig {
    /// PostgreSQL, as `postgres://role:password@host:port/database`; `sslmode` is
    /// `disable`, `prefer` (default) or `require`.
    #[arg(long, env, hide_env_values = true, value_parser = secret_url)]
    pub database_url: SecretString,

    /// Authority that signed the server's certificate, PEM. Default: the public authorities.
    #[arg(long, env)]
    pub database_ca_file: Option<PathBuf>,

    /// Most connections of this replica's pool. The readiness check and each group writer have one more.
    #[arg(long, env, default_value_t = 16)]
    pub database_connections_max: usize,
}

/// The broker.
#[derive(Debug, Clone, Args)]
pub struct KafkaConfig {
    /// Kafka bootstrap servers, as `host:port,host:port`.
    #[arg(long, env, default_value = "127.0.0.1:19092")]
    pub kafka_brokers: String,

    /// Certificates of the authority that signed the brokers' certificates, PEM. Empty:
    /// connections without TLS.
    #[arg(long, env, default_value = "", value_parser = optional_file)]
    pub kafka_tls_ca_file: PathBuf,

    /// Certificate chain of this client, PEM. Empty: no client certificate.
    #[arg(long, env, default_value = "", value_parser = optional_file)]
    pub kafka_tls_cert_file: PathBuf,

    /// Its private key, PEM.
    #[arg(long, env, default_value = "", value_parser = optional_file)]
    pub kafka_tls_key_file: PathBuf,
}

fn optional_file(path: &str) -> Result<PathBuf, Infallible> {
    Ok(path.into())
}

/// The key that makes page tokens tamper-evident.
#[derive(Debug, Clone, Args)]
pub struct PageConfig {
    /// File with 32 random bytes in base64, the same for all replicas of a service.
    #[arg(long, env)]
    pub page_token_key_file: PathBuf,
}
