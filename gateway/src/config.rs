//! The settings of the gateway and the syntax of their values.

use std::{net::IpAddr, path::PathBuf, str::FromStr, time::Duration};

use clap::{ArgAction, Parser};
use http::{HeaderValue, Uri};
use mesh::config::{
    REQUEST_BYTES_MAX, ServerConfig, TelemetryConfig, TlsConfig, TokenConfig, seconds,
};

/// The gateway's own defaults for shared settings.
pub const DEFAULTS: &[(&str, &str)] = &[
    ("listen_address", "127.0.0.1:8080"),
    ("admin_address", "127.0.0.1:9100"),
    ("calls_max", "10000"),
    // Half of the connections that the gateway accepts: over HTTP/1.1 each stream needs its own.
    ("streams_max", "5000"),
    ("tls_cert_file", ".devstack/tls/gateway.pem"),
    ("tls_key_file", ".devstack/tls/gateway-key.pem"),
    ("tls_ca_file", ".devstack/tls/ca.pem"),
    ("jwks_url", "https://localhost:15051/.well-known/jwks.json"),
];

const UPSTREAMS: &str = "shopmesh.user.v1=https://localhost:15051,\
    shopmesh.product.v1=https://localhost:15052,\
    shopmesh.order.v1=https://localhost:15053,\
    shopmesh.notify.v1=https://localhost:15054";

/// The entry to the mesh: routes gRPC-Web and gRPC calls to every service of the descriptors that
/// has an upstream, and serves the web pages.
///
/// Certificates are read only if an upstream or JWKS_URL is https, JWKS_URL only for methods that
/// are not public.
#[derive(Debug, Clone, Parser)]
#[command(name = "gateway", version)]
pub struct Config {
    /// Addresses, drain and limits.
    #[command(flatten)]
    pub server: ServerConfig,

    /// The gateway's certificate.
    #[command(flatten)]
    pub tls: TlsConfig,

    /// Access tokens.
    #[command(flatten)]
    pub token: TokenConfig,

    /// Logs and traces.
    #[command(flatten)]
    pub telemetry: TelemetryConfig,

    /// Addresses of the services, as `PACKAGE-OR-SERVICE=URL,…`; the longest match wins.
    /// `https://host:port` is mTLS, `http://host:port` plaintext HTTP/2.
    #[arg(long, env, value_delimiter = ',', default_value = UPSTREAMS)]
    pub upstreams: Vec<Upstream>,

    /// File with an encoded FileDescriptorSet of the services. Default: the built-in contract.
    #[arg(long, env)]
    pub descriptor_set: Option<PathBuf>,

    /// Folder of the web pages and of `images/`. Default: no pages are served.
    #[arg(long, env)]
    pub web_root: Option<PathBuf>,

    /// Other origins whose pages may call, as `https://host,…`, or `*`, always without cookies.
    /// Default: only pages of the gateway's own origin call.
    #[arg(long, env, value_delimiter = ',')]
    pub allowed_origins: Vec<HeaderValue>,

    /// Where browsers open the store, as `https://host,…`. Pages from there may send cookies, also
    /// where a proxy replaces the header Host.
    #[arg(long, env, value_delimiter = ',')]
    pub public_url: Vec<Uri>,

    /// Path prefixes on which cookies pass, in both directions.
    #[arg(long, env, value_delimiter = ',', default_value = "/shopmesh.user.v1.UserService/")]
    pub cookie_paths: Vec<String>,

    /// Proxies before the gateway whose x-forwarded-for is trusted, as addresses or
    /// `address/prefix,…`.
    #[arg(long, env, value_delimiter = ',')]
    pub trusted_proxies: Vec<Network>,

    /// Whether reflection describes the methods to everybody.
    #[arg(long, env, default_value_t = true, action = ArgAction::Set)]
    pub reflection: bool,

    /// Most bytes of a request body of any method, whatever the contract states.
    #[arg(long, env, default_value_t = REQUEST_BYTES_MAX,
          value_parser = clap::value_parser!(u32).range(1024..=i64::from(REQUEST_BYTES_MAX)))]
    pub request_bytes_max: u32,

    /// Most open connections of one client address that is not in TRUSTED_PROXIES.
    #[arg(long, env, default_value_t = 512)]
    pub connections_per_address_max: usize,

    /// Most calls and streams in flight of one client address that is not in TRUSTED_PROXIES;
    /// further ones are rejected with OVERLOADED.
    #[arg(long, env, default_value_t = 1000)]
    pub calls_per_address_max: usize,

    /// Longest duration of a streaming call, in seconds.
    #[arg(long, env, default_value = "660", value_parser = seconds)]
    pub stream_seconds_max: Duration,
}

/// The address of the services of a package, or of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// Full name of the package or service.
    pub name: String,
    /// Scheme, host and port.
    pub url: Uri,
}

impl Upstream {
    /// Returns whether `service`, a full name, is at this address.
    pub fn covers(&self, service: &str) -> bool {
        let rest = service.strip_prefix(self.name.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

impl FromStr for Upstream {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let upstream = text.trim().split_once('=').and_then(|(name, url)| {
            let url: Uri = url.parse().ok()?;
            let has_scheme = matches!(url.scheme_str(), Some("http" | "https"));
            let has_path = url.path() != "/" || url.query().is_some();
            (has_scheme && !has_path && !name.is_empty())
                .then(|| Self { name: name.to_owned(), url })
        });
        upstream.ok_or_else(|| "must be NAME=http://host:port or NAME=https://host:port".to_owned())
    }
}

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Returns whether `address` is in the range.
    pub fn contains(&self, address: IpAddr) -> bool {
        let differing = match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                u128::from(own.to_bits() ^ other.to_bits()) << 96
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => own.to_bits() ^ other.to_bits(),
            _ => return false,
        };
        differing.leading_zeros() >= u32::from(self.prefix)
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, prefix) = text.trim().split_once('/').unzip();
        let address = address.unwrap_or(text.trim()).parse::<IpAddr>();
        let network = address.ok().and_then(|address| {
            let longest = if address.is_ipv4() { 32 } else { 128 };
            let prefix = prefix.map_or(Some(longest), |prefix| prefix.parse().ok())?;
            (prefix <= longest).then_some(Self { address, prefix })
        });
        network.ok_or_else(|| "must be an address or address/prefix".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_covers_its_package_and_services_but_no_similar_name() {
        let upstream: Upstream = "shop.user.v1=https://localhost:1".parse().expect("it is valid");
        assert!(upstream.covers("shop.user.v1.UserService"));
        assert!(upstream.covers("shop.user.v1"));
        assert!(!upstream.covers("shop.user.v1beta.UserService"));
        assert!(!upstream.covers("shop.user"));
    }

    #[test]
    fn an_upstream_without_a_name_or_with_a_path_is_rejected() {
        for text in ["", "a", "=http://h:1", "a=h:1", "a=ftp://h:1", "a=http://h:1/path"] {
            assert!(text.parse::<Upstream>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_network_contains_only_the_addresses_of_its_prefix() {
        for (network, address, inside) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("127.0.0.1", "::ffff:127.0.0.1", true),
        ] {
            let parsed: Network = network.parse().expect("a network");
            let address = address.parse().expect("an address");
            assert_eq!(parsed.contains(address), inside, "{network} {address}");
        }
        for text in ["", "10.0.0.0/33", "10.0.0.0/-1", "host", "::/129"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
