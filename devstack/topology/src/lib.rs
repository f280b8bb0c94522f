//! The table of services, `services.toml`: their names, ports, databases, calls and topics. It knows
//! nothing of how a service is started or deployed.

use std::{collections::BTreeMap, sync::LazyLock, time::Duration};

use serde::Deserialize;

static TABLE: LazyLock<Table> =
    LazyLock::new(|| match toml::from_str(include_str!("../services.toml")) {
        Ok(table) => table,
        Err(error) => panic!("devstack/topology/services.toml: {error}"),
    });

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    services: Vec<Row>,
    images: Vec<Image>,
    topics: Topics,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    #[serde(default)]
    packages: Vec<String>,
    database: Option<String>,
    port: u16,
    admin_port: u16,
    #[serde(default)]
    calls: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    consumes: Vec<String>,
    #[serde(default)]
    sends_mail: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    name: String,
}

/// What all topics have in common.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topics {
    /// The number of partitions of each topic.
    pub partitions: i32,
    retention_days: u64,
}

impl Topics {
    /// Returns how long a topic keeps a record.
    pub fn retention(&self) -> Duration {
        Duration::from_secs(self.retention_days * 24 * 60 * 60)
    }
}

/// Returns what all topics have in common. The contract lists the topics.
pub fn topics() -> &'static Topics {
    &TABLE.topics
}

/// Returns the name of each image: all services, and what compose.yaml and overlays/dev set up with.
pub fn images() -> impl Iterator<Item = &'static str> {
    Service::all().map(Service::name).chain(TABLE.images.iter().map(|image| &*image.name))
}

/// A row of the table, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Service(&'static str);

/// The rows that code names.
impl Service {
    /// Accounts and tokens.
    pub const USER: Self = Self("user-svc");
    /// Catalogue and stock.
    pub const PRODUCT: Self = Self("product-svc");
    /// Checkout and orders.
    pub const ORDER: Self = Self("order-svc");
    /// Mails.
    pub const NOTIFY: Self = Self("notify-svc");
    /// The entry of all calls from outside.
    pub const GATEWAY: Self = Self("gateway");
}

impl Service {
    /// Returns all services, in the order of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.services.iter().map(|row| Self(&row.name))
    }

    /// Returns the services that have a database.
    pub fn with_database() -> impl Iterator<Item = Self> {
        Self::all().filter(|service| service.database().is_some())
    }

    /// Returns the service of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|service| service.0 == name)
    }

    fn row(self) -> &'static Row {
        let found = TABLE.services.iter().find(|row| row.name == self.0);
        found.expect("a test finds the row of each constant")
    }

    /// Returns the name of its folder, program, image, certificate and consumer group: `order-svc`.
    pub fn name(self) -> &'static str {
        self.0
    }

    /// Returns the prefix of its variables: `ORDER`.
    pub fn prefix(self) -> String {
        self.0.trim_end_matches("-svc").to_ascii_uppercase().replace('-', "_")
    }

    /// Returns the proto packages that it serves.
    pub fn packages(self) -> &'static [String] {
        &self.row().packages
    }

    /// Returns the name of its database, and of the role that owns it.
    pub fn database(self) -> Option<&'static str> {
        self.row().database.as_deref()
    }

    /// Returns the port of its calls in `make up`.
    pub fn port(self) -> u16 {
        self.row().port
    }

    /// Returns the port of its health and metrics in `make up`.
    pub fn admin_port(self) -> u16 {
        self.row().admin_port
    }

    /// Returns the services that it calls.
    pub fn calls(self) -> impl Iterator<Item = Self> {
        Self::all().filter(move |callee| {
            let forwards = self == Self::GATEWAY && !callee.packages().is_empty();
            forwards || self.row().calls.contains_key(callee.0)
        })
    }

    /// Returns the gRPC methods of `callee` that it calls by itself.
    pub fn methods(self, callee: Self) -> impl Iterator<Item = &'static str> {
        let methods = self.row().calls.get(callee.0).into_iter().flatten();
        methods.map(String::as_str).filter(|method| *method != JWKS)
    }

    /// Returns whether it verifies access tokens by the keys that user-svc publishes.
    pub fn reads_keys(self) -> bool {
        let keys = self.row().calls.get(Self::USER.0);
        self == Self::GATEWAY || keys.is_some_and(|names| names.iter().any(|name| name == JWKS))
    }

    /// Returns the topics that it consumes.
    pub fn consumes(self) -> &'static [String] {
        &self.row().consumes
    }

    /// Returns whether it connects to the mail server.
    pub fn sends_mail(self) -> bool {
        self.row().sends_mail
    }
}

const JWKS: &str = "JWKS";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_that_code_or_a_row_names_has_a_row() {
        let constants =
            [Service::USER, Service::PRODUCT, Service::ORDER, Service::NOTIFY, Service::GATEWAY];
        let callees = TABLE.services.iter().flat_map(|row| row.calls.keys());
        for name in constants.iter().map(|service| service.0).chain(callees.map(String::as_str)) {
            assert!(Service::named(name).is_some(), "services.toml has no row {name}");
        }
    }

    /// Manifests select the services with a database as `.*-svc`.
    #[test]
    fn the_name_of_a_service_with_a_database_ends_in_svc() {
        for service in Service::with_database() {
            assert!(service.name().ends_with("-svc"), "{}", service.name());
        }
    }

    #[test]
    fn variables_begin_with_the_name_in_capitals() {
        assert_eq!(Service::ORDER.prefix(), "ORDER");
        assert_eq!(Service::GATEWAY.prefix(), "GATEWAY");
    }
}
