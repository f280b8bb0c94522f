//! Settings that all services that own data share.

use std::{convert::Infallible, path::PathBuf};

use clap::Args;
use mesh::BoxError;
use mesh::config::{
    ServerConfig, StreamConfig, TelemetryConfig, TlsConfig, TokenConfig, secret_url,
};
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::config::SslMode;

/// The settings that every service that owns data has.
#[derive(Debug, Clone, Args)]
#[allow(missing_docs, reason = "each group documents itself")]
pub struct Settings {
    #[command(flatten)]
    pub server: ServerConfig,
    #[command(flatten)]
    pub streams: StreamConfig,
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
    /// PostgreSQL, as `postgres://role:password@host:port/database`. `sslmode` is `disable`,
    /// `prefer` (the default without DATABASE_CA_FILE) or `verify-full` (the default with it, and
    /// what `require` means too): TLS, with the name and the authority of the server verified.
    #[arg(long, env, hide_env_values = true, value_parser = secret_url)]
    pub database_url: SecretString,

    /// The same database, for `migrate`: by the role that owns the schema. The role of DATABASE_URL
    /// then may only use it. Default: DATABASE_URL, whose role owns the schema.
    #[arg(long, env, hide_env_values = true, value_parser = secret_url)]
    pub migration_database_url: Option<SecretString>,

    /// Authority that signed the server's certificate, PEM. Default: the public authorities.
    #[arg(long, env)]
    pub database_ca_file: Option<PathBuf>,

    /// Most connections of this replica's pool. The readiness check and each group writer have one more.
    #[arg(long, env, default_value_t = 16)]
    pub database_connections_max: usize,
}

impl DatabaseConfig {
    /// Returns the same database, by the role that owns its schema.
    pub(crate) fn of_owner(&self) -> Self {
        let owner = self.migration_database_url.clone();
        Self { database_url: owner.unwrap_or_else(|| self.database_url.clone()), ..self.clone() }
    }

    /// Returns how to connect. Where an authority is named, a connection without TLS is an error.
    ///
    /// # Errors
    /// An invalid URL, described without its password.
    pub(crate) fn postgres(&self) -> Result<tokio_postgres::Config, BoxError> {
        // The client knows only `require`, and always verifies name and authority.
        let url =
            self.database_url.expose_secret().replace("sslmode=verify-full", "sslmode=require");
        let mut postgres: tokio_postgres::Config =
            url.parse().map_err(|error| format!("DATABASE_URL: {error}"))?;
        if self.database_ca_file.is_some() && postgres.get_ssl_mode() == SslMode::Prefer {
            postgres.ssl_mode(SslMode::Require);
        }
        Ok(postgres)
    }
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

/// The key that makes page tokens tamper-evident. A service may derive further keys from it.
#[derive(Debug, Clone, Args)]
pub struct PageConfig {
    /// File with 32 random bytes in base64, the same for all replicas of a service.
    #[arg(long, env)]
    pub page_token_key_file: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_authority_requires_tls() {
        let mode = |url: &str, ca: Option<&str>| {
            let config = DatabaseConfig {
                database_url: url.into(),
                migration_database_url: None,
                database_ca_file: ca.map(PathBuf::from),
                database_connections_max: 1,
            };
            config.postgres().expect("a URL").get_ssl_mode()
        };
        for (url, ca, expected) in [
            ("postgres://a:b@host/db", None, SslMode::Prefer),
            ("postgres://a:b@host/db", Some("ca.pem"), SslMode::Require),
            ("postgres://a:b@host/db?sslmode=verify-full", None, SslMode::Require),
            ("postgres://a:b@host/db?sslmode=verify-full", Some("ca.pem"), SslMode::Require),
            ("postgres://a:b@host/db?sslmode=require", None, SslMode::Require),
            ("postgres://a:b@host/db?sslmode=disable", Some("ca.pem"), SslMode::Disable),
        ] {
            assert_eq!(mode(url, ca), expected, "{url} {ca:?}");
        }
    }
}
