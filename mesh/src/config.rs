//! Typed settings from arguments and environment, and the groups that programs share. A program
//! adds its own fields and defaults; `--help` lists all of them.

mod secret;

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, error::ErrorKind};

pub use secret::{read_secret, secret, secret_url};

/// Exit code for an invalid setting (`EX_USAGE` of sysexits.h).
pub const EXIT_BAD_SETTING: i32 = 64;

/// Reads the settings of a program from its arguments and environment. `defaults` are the program's
/// own values for fields of shared groups, as `(field, value)`.
///
/// Exits the process with 0 after `--help`, and with [`EXIT_BAD_SETTING`] and one line after a bad
/// value.
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

/// Like [`parse`], but returns the error instead of exiting.
///
/// # Errors
/// A bad value, or a request for help.
pub fn try_parse<C: Parser>(
    defaults: &[(&'static str, &'static str)],
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<C, clap::Error> {
    let mut command = C::command();
    for &(field, value) in defaults {
        command = command.mut_arg(field, |arg| arg.default_value(value).required(false));
    }
    // An argument of a subcommand has no name for display until it is built.
    command.build();
    let matches = command.try_get_matches_from_mut(arguments);
    C::from_arg_matches(&matches.map_err(|error| secret::hide_value(&command, error))?)
}

/// Listeners, limits and drain of a server.
#[derive(Debug, Clone, Args)]
pub struct ServerConfig {
    /// Address for gRPC.
    #[arg(long, env)]
    pub listen_address: SocketAddr,

    /// Address for /metrics, /livez and /readyz.
    #[arg(long, env)]
    pub admin_address: SocketAddr,

    /// How long requests in flight may take to end after SIGTERM, in seconds.
    #[arg(long, env, default_value = "20", value_parser = seconds)]
    pub drain_seconds_max: Duration,

    /// Longest duration of a call, whatever deadline it requests, in seconds.
    #[arg(long, env, default_value = "30", value_parser = seconds)]
    pub call_seconds_max: Duration,

    /// Most calls in flight; further ones are rejected with OVERLOADED.
    #[arg(long, env, default_value_t = 1024)]
    pub calls_max: usize,

    /// Most open streams of live updates (of methods that the contract marks resumable), and most of
    /// all others; further ones are rejected with OVERLOADED.
    #[arg(long, env, default_value_t = 2000)]
    pub streams_max: usize,

    /// Most open connections; further ones are closed at once.
    #[arg(long, env, default_value_t = 10_000)]
    pub connections_max: usize,

    /// Most bytes of a request body, for methods whose contract states no request_bytes_max.
    #[arg(long, env, default_value_t = 64 << 10,
          value_parser = clap::value_parser!(u32).range(1024..=i64::from(REQUEST_BYTES_MAX)))]
    pub request_bytes_default: u32,
}

/// Most bytes of a request body that any setting or contract allows.
pub const REQUEST_BYTES_MAX: u32 = 16 << 20;

/// The streams of a service.
#[derive(Debug, Clone, Args)]
pub struct StreamConfig {
    /// Most open streams of live updates of one client, and most of all others, at one replica: of
    /// an account, or for a public method of a network (an IPv4 address, or the /48 of an IPv6
    /// address). Further ones are rejected with OVERLOADED.
    #[arg(long, env, default_value_t = 20)]
    pub streams_per_client_max: usize,
}

/// The certificate of a program in the mesh, and the authority that it trusts.
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

/// The issuer of access tokens and its keys.
#[derive(Debug, Clone, Args)]
pub struct TokenConfig {
    /// JWKS of the token issuer, read over the mesh.
    #[arg(long, env, default_value = "https://localhost:15051/.well-known/jwks.json")]
    pub jwks_url: http::Uri,

    /// How old the keys may be that verify tokens, in seconds: a withdrawn key is rejected after it.
    /// While the issuer does not respond, the last keys remain in use.
    #[arg(long, env, default_value = "60", value_parser = seconds)]
    pub jwks_age_seconds_max: Duration,

    /// The `iss` that a token must have.
    #[arg(long, env, default_value = "shopmesh")]
    pub token_issuer: String,

    /// The `aud` that a token must have.
    #[arg(long, env, default_value = "shopmesh")]
    pub token_audience: String,
}

/// Logs and traces.
#[derive(Debug, Clone, Args)]
pub struct TelemetryConfig {
    /// Filter of log lines, in the syntax of tracing's EnvFilter.
    #[arg(long = "log", env = "RUST_LOG", default_value = "info")]
    pub log_filter: String,

    /// Format of log lines.
    #[arg(long, env, value_enum, default_value_t = LogFormat::Pretty)]
    pub log_format: LogFormat,

    /// OTLP collector for traces, as `http://host:4317`. Empty: traces are not exported.
    #[arg(long, env, default_value = "")]
    pub otel_exporter_otlp_endpoint: String,
}

/// Format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// Text for people.
    Pretty,
}

/// Reads a whole number of seconds, 1 to 3,600.
///
/// # Errors
/// A sentence that states the valid values.
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
    fn defaults_of_a_service_fill_shared_fields() {
        let config = parse(&[]).expect("the defaults are complete");
        assert_eq!(config.server.listen_address.port(), 1);
    }

    #[test]
    fn a_bad_value_names_the_setting_in_its_first_line() {
        let error = parse(&["--drain-seconds-max", "0"]).expect_err("0 is too small");
        let line = error.to_string();
        assert!(line.lines().next().is_some_and(|l| l.contains("--drain-seconds-max")));
    }
}
