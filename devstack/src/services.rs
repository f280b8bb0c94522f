//! The program and the environment of each service.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use setup::{client_tls::ClientTls, keys::page_token_key_name};
use topology::Service;

use crate::{addresses::Addresses, part::Part, paths, ports::Socket, process::Program};

/// Returns the program of a service; `migrate` and its other commands have the same environment.
pub(crate) fn program(part: Part, addresses: &Addresses) -> Result<Program> {
    let service = part.service().with_context(|| format!("{part} is not a service"))?;
    let name = service.name();
    let executable = paths::binaries()?.join(name);
    if !executable.exists() {
        bail!("{} is missing: build it with `cargo build -p {name}`", executable.display());
    }
    let log = addresses.dir().join(format!("logs/{part}.log"));
    Ok(Program::new(executable, log).environment(environment(part, service, addresses)?))
}

/// Returns the settings of a service. A service ignores those that it does not know, so all get nearly
/// the same variables.
fn environment(
    part: Part,
    service: Service,
    addresses: &Addresses,
) -> Result<Vec<(String, String)>> {
    let name = service.name();
    let tls = addresses.tls_dir();
    let secrets = addresses.secrets();
    let address = |socket| Ok::<_, anyhow::Error>(format!("127.0.0.1:{}", addresses.port(socket)?));
    let page_token_key = secrets.key_file(&page_token_key_name(name))?;
    let url = |service| addresses.service_url(Part::Service(service));
    let upstream = |service: Service, package| Some(format!("{package}={}", url(service)?));
    let upstreams: Vec<String> = Service::all()
        .flat_map(|service| service.packages().iter().map(move |package| (service, package)))
        .filter_map(|(service, package)| upstream(service, package))
        .collect();
    let callees =
        service.calls().map(|callee| (format!("{}_SVC_URL", callee.prefix()), url(callee)));
    let jwks_url = url(Service::USER).map(|url| format!("{url}/.well-known/jwks.json"));
    let kafka_tls = addresses.kafka_tls(name);
    // Empty: without TLS.
    let kafka_file = |file: fn(&ClientTls) -> &PathBuf| {
        Some(kafka_tls.as_ref().map(|tls| file(tls).display().to_string()).unwrap_or_default())
    };
    let variables = [
        ("LISTEN_ADDRESS", Some(address(Socket::Requests(part))?)),
        ("ADMIN_ADDRESS", Some(address(Socket::Admin(part))?)),
        ("DATABASE_URL", addresses.database_url(service)),
        ("KAFKA_BROKERS", addresses.kafka_brokers()),
        ("KAFKA_TLS_CA_FILE", kafka_file(|tls| &tls.ca)),
        ("KAFKA_TLS_CERT_FILE", kafka_file(|tls| &tls.certificate)),
        ("KAFKA_TLS_KEY_FILE", kafka_file(|tls| &tls.key)),
        ("TLS_CERT_FILE", Some(tls.join(format!("{name}.pem")).display().to_string())),
        ("TLS_KEY_FILE", Some(tls.join(format!("{name}-key.pem")).display().to_string())),
        ("TLS_CA_FILE", Some(tls.join("ca.pem").display().to_string())),
        ("PAGE_TOKEN_KEY_FILE", Some(page_token_key.display().to_string())),
        ("SIGNING_KEYS_DIR", Some(secrets.signing_keys_dir()?.display().to_string())),
        ("JWKS_URL", jwks_url),
        ("UPSTREAMS", Some(upstreams.join(","))),
        ("SMTP_URL", addresses.smtp_url()),
        ("MAIL_FROM", Some("Shopmesh <orders@shopmesh.example>".to_owned())),
        ("PUBLIC_URL", addresses.gateway_url()),
        ("WEB_ROOT", Some(addresses.dir().join("web").display().to_string())),
        // Tests and demos share one address, and verify none.
        ("SIGN_UPS_MAX", Some("1000".to_owned())),
        ("LOGIN_FAILURES_PER_NETWORK_MAX", Some("300".to_owned())),
        ("PASSWORD_CALLS_PER_NETWORK_MAX", Some("1000".to_owned())),
        ("UNVERIFIED_ORDERS_MAX", Some("0".to_owned())),
        ("UNVERIFIED_UNITS_MAX", Some("0".to_owned())),
    ];
    let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value));
    Ok(variables.chain(callees).filter_map(|(name, value)| Some((name, value?))).collect())
}
