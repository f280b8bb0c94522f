//! Typed settings from the environment, and the groups of them that services share.
//! A service adds its own fields and its own defaults; `--help` lists them all.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, error::ErrorKind};
use secrecy::SecretString;

/// Exit code for a setting that cannot be used (`EX_USAGE` of sysexits.h).
pub const EXIT_BAD_SETTING: i32 = 64;

/// Reads the settings of a service from its arguments and environment, with the
/// service's own `defaults` for fields of shared groups, as `(field, value)`.
///
/// Ends the process where there is nothing to run: with 0 after `--help`, with
/// [`EXIT_BAD_SETTING`] and one line after a bad value.
pub fn parse<C: Parser>(defaults: &[(&'static str, &'static str)]) -> C {
    try_parse(defaults, std::env::args_os()).unwrap_or_else(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => error.exit(),
        _ => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or("bad settings");
            eprintln!("{line} (--help lists all settings)");
            std::process::exit(EXIT_BAD_SETTING)
        }
    })
}

/// As [`parse`], but tells instead of ending the process.
///
/// # Errors
/// What clap found wrong, or a wish for help.
pub fn try_parse<C: Parser>(
    defaults: &[(&'static str, &'static str)],
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<C, clap::Error> {
    let mut command = C::command();
    for &(field, value) in defaults {
        command = command.mut_arg(field, |arg| arg.default_value(value).required(false));
    }
    C::from_arg_matches(&command.try_get_matches_from(arguments)?)
}

/// Where a service listens and how it ends.
#[derive(Debug, Clone, Args)]
pub struct ServerConfig {
    /// Address for gRPC.
    #[arg(long, env)]
    pub listen_address: SocketAddr,

    /// Address for /metrics, /livez and /readyz.
    #[arg(long, env)]
    pub admin_address: SocketAddr,

    /// How long requests under way may take to end after SIGTERM, in seconds.
    #[arg(long, env, default_value = "20", value_parser = seconds)]
    pub drain_seconds_max: Duration,

    /// How long a call may take that brings no deadline of its own, in seconds.
    #[arg(long, env, default_value = "30", value_parser = seconds)]
    pub call_seconds_max: Duration,

    /// How many calls may be under way at once before more are OVERLOADED.
    #[arg(long, env, default_value_t = 1024)]
    pub calls_max: usize,

    /// How many streams may be open at once before more are OVERLOADED.
    #[arg(long, env, default_value_t = 2000)]
    pub streams_max: usize,
}

/// The certificate by which a service is known in the mesh, and whom it trusts.
#[derive(Debug, Clone, Args)]
pub struct TlsConfig {
    /// Certificate chain of this service, PEM.
    #[arg(long, env)]
    pub tls_cert_file: PathBuf,

    /// Its private key, PEM.
    #[arg(long, env)]
    pub tls_key_file: PathBuf,

    /// Certificates of the authority that signs all services, PEM.
    #[arg(long, env, default_value = ".devstack/tls/ca.pem")]
    pub tls_ca_file: PathBuf,
}

/// Where access tokens come from and where their keys are read.
#[derive(Debug, Clone, Args)]
pub struct TokenConfig {
    /// Public keys of the token issuer, read over the mesh.
    #[arg(long, env, default_value = "https://localhost:15051/.well-known/jwks.json")]
    pub jwks_url: http::Uri,

    /// The `iss` that a token must have.
    #[arg(long, env, default_value = "shopmesh")]
    pub token_issuer: String,

    /// The `aud` that a token must have.
    #[arg(long, env, default_value = "shopmesh")]
    pub token_audience: String,
}

/// The service's own database.
#[derive(Debug, Clone, Args)]
pub struct DatabaseConfig {
    /// PostgreSQL, as `postgres://role:password@host:port/database`; `sslmode` is
    /// `disable`, `prefer` (default) or `require`.
    #[arg(long, env, hide_env_values = true)]
    pub database_url: SecretString,

    /// Authority that signed the server's certificate, PEM. Default: the public ones.
    #[arg(long, env)]
    pub database_ca_file: Option<PathBuf>,

    /// Most connections that this replica opens.
    #[arg(long, env, default_value_t = 16)]
    pub database_connections_max: usize,
}

/// The broker.
#[derive(Debug, Clone, Args)]
pub struct KafkaConfig {
    /// Kafka bootstrap servers, as `host:port,host:port`.
    #[arg(long, env, default_value = "127.0.0.1:19092")]
    pub kafka_brokers: String,
}

/// Logs and traces.
#[derive(Debug, Clone, Args)]
pub struct TelemetryConfig {
    /// Which log lines are written, as in tracing's EnvFilter.
    #[arg(long = "log", env = "RUST_LOG", default_value = "info")]
    pub log_filter: String,

    /// How log lines are written.
    #[arg(long, env, value_enum, default_value_t = LogFormat::Pretty)]
    pub log_format: LogFormat,

    /// OTLP collector for traces, as `http://host:4317`. Empty: traces stay here.
    #[arg(long, env, default_value = "")]
    pub otel_exporter_otlp_endpoint: String,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Pretty,
}

/// The key that makes page tokens tamper-evident.
#[derive(Debug, Clone, Args)]
pub struct PageConfig {
    /// File with 32 random bytes in base64, the same for all replicas of a service.
    #[arg(long, env)]
    pub page_token_key_file: PathBuf,
}

/// Reads a whole number of seconds, 1 to 3,600.
///
/// # Errors
/// A sentence that says what a good value is.
pub fn seconds(value: &str) -> Result<Duration, String> {
    match value.parse() {
        Ok(seconds @ 1..=3600) => Ok(Duration::from_secs(seconds)),
        _ => Err("must be a whole number of seconds, 1 to 3600".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Parser)]
    struct Config {
        #[command(flatten)]
        server: ServerConfig,
    }

    const DEFAULTS: &[(&str, &str)] =
        &[("listen_address", "127.0.0.1:1"), ("admin_address", "127.0.0.1:2")];

    fn parse(arguments: &[&str]) -> Result<Config, clap::Error> {
        try_parse(DEFAULTS, ["svc"].iter().chain(arguments).map(OsString::from))
    }

    #[test]
    fn a_services_own_defaults_fill_the_shared_fields() {
        let config = parse(&[]).expect("defaults suffice");
        assert_eq!(config.server.listen_address.port(), 1);
    }

    #[test]
    fn a_bad_value_names_the_setting_in_its_first_line() {
        let error = parse(&["--drain-seconds-max", "0"]).expect_err("0 is too small");
        let line = error.to_string();
        assert!(line.lines().next().is_some_and(|l| l.contains("--drain-seconds-max")));
    }
}
