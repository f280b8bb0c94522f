//! The environment variables that describe a running store: in `.devstack/env` and for the command
//! of `devstack exec`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;
use setup::files::write_private;
use topology::Service;

use crate::{
    addresses::Addresses,
    part::Part,
    postgres::{SUPERUSER, TESTER},
    seed, testing,
};

/// Returns all names and values.
pub(crate) fn of(addresses: &Addresses) -> Result<Vec<(String, String)>> {
    let (admin, customer) = (seed::admin(), seed::customer());
    let fixed = [
        ("GATEWAY_URL", addresses.gateway_url()),
        ("MAILBOX_URL", addresses.mailbox_url()),
        ("ADMIN_EMAIL", Some(admin.email)),
        ("ADMIN_PASSWORD", Some(admin.password)),
        ("CUSTOMER_EMAIL", Some(customer.email)),
        ("CUSTOMER_PASSWORD", Some(customer.password)),
        ("KAFKA_BROKERS", addresses.kafka_brokers()),
        ("SMTP_URL", addresses.smtp_url()),
        ("SIGNING_KEYS_DIR", Some(addresses.signing_keys_dir()?.display().to_string())),
        ("DEVSTACK_DIR", Some(addresses.dir().display().to_string())),
        ("DEVSTACK_TLS_DIR", Some(addresses.tls_dir().display().to_string())),
        ("DEVSTACK_POSTGRES_ADMIN_URL", addresses.postgres_url(SUPERUSER).ok()),
    ];
    let mut variables: Vec<(String, Option<String>)> =
        fixed.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    for service in Service::all() {
        let (prefix, part) = (service.prefix(), Part::Service(service));
        variables.push((format!("{prefix}_DATABASE_URL"), addresses.database_url(service)));
        variables.push((format!("{prefix}_ADMIN_URL"), addresses.admin_url(part)));
        if service != Service::GATEWAY {
            variables.push((format!("{prefix}_SVC_URL"), addresses.service_url(part)));
        }
    }
    Ok(variables.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
}

/// Returns [`of`] and the variable that gives a test databases of its own. That is only for a store
/// that is removed after the tests: elsewhere a template would outlive the migrations that created
/// it.
pub(crate) fn of_tests(addresses: &Addresses) -> Result<Vec<(String, String)>> {
    let mut variables = of(addresses)?;
    if let Ok(url) = addresses.postgres_url(TESTER) {
        variables.push((testing::SERVER_URL.to_owned(), url));
    }
    Ok(variables)
}

/// The file exists only while the store is ready.
fn file(dir: &Path) -> PathBuf {
    dir.join("env")
}

/// Writes the file `env`.
pub(crate) fn write_file(dir: &Path, variables: &[(String, String)]) -> Result<()> {
    let lines: Vec<String> =
        variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    write_private(&file(dir), &lines.concat())
}

/// Removes the file `env`.
pub(crate) fn remove_file(dir: &Path) {
    let _ = fs::remove_file(file(dir));
}
