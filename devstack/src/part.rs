//! The parts of the store: the one table of services, and what comes before them.

use std::fmt;
use std::str::FromStr;

use anyhow::{Error, bail};

/// One of the five services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Accounts and tokens.
    User,
    /// Catalogue and stock.
    Product,
    /// Checkout and orders.
    Order,
    /// Mails.
    Notify,
    /// What the outside sees.
    Gateway,
}

/// What devstack knows of a service.
struct Facts {
    name: &'static str,
    /// Before names of variables: `ORDER_DATABASE_URL`.
    prefix: &'static str,
    /// The proto package that the gateway routes to it.
    package: Option<&'static str>,
    database: Option<&'static str>,
    port: u16,
    admin_port: u16,
}

/// In the order of [`Service`]. Ports lie below 32768, where Linux takes none for itself.
const SERVICES: [Facts; 5] = [
    Facts {
        name: "user-svc",
        prefix: "USER",
        package: Some("shopmesh.user.v1"),
        database: Some("users"),
        port: 15051,
        admin_port: 9101,
    },
    Facts {
        name: "product-svc",
        prefix: "PRODUCT",
        package: Some("shopmesh.product.v1"),
        database: Some("products"),
        port: 15052,
        admin_port: 9102,
    },
    Facts {
        name: "order-svc",
        prefix: "ORDER",
        package: Some("shopmesh.order.v1"),
        database: Some("orders"),
        port: 15053,
        admin_port: 9103,
    },
    Facts {
        name: "notify-svc",
        prefix: "NOTIFY",
        package: Some("shopmesh.notify.v1"),
        database: Some("notifications"),
        port: 15054,
        admin_port: 9104,
    },
    Facts {
        name: "gateway",
        prefix: "GATEWAY",
        package: None,
        database: None,
        port: 8080,
        admin_port: 9100,
    },
];

impl Service {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::User, Self::Product, Self::Order, Self::Notify, Self::Gateway];

    fn facts(self) -> &'static Facts {
        &SERVICES[self as usize]
    }

    /// The name of its folder, program and certificate: `order-svc`.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// What its variables start with: `ORDER`.
    pub fn prefix(self) -> &'static str {
        self.facts().prefix
    }

    /// The proto package that it serves.
    pub fn package(self) -> Option<&'static str> {
        self.facts().package
    }

    /// The name of its database, and of the one role that may enter it.
    pub fn database(self) -> Option<&'static str> {
        self.facts().database
    }

    /// Those that have a database.
    pub fn with_database() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|service| service.database().is_some())
    }

    pub(crate) fn fixed_port(self) -> u16 {
        self.facts().port
    }

    pub(crate) fn fixed_admin_port(self) -> u16 {
        self.facts().admin_port
    }
}

/// A process that devstack keeps. They start in this order and stop in the reverse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The database server.
    Postgres,
    /// The broker.
    Kafka,
    /// The mail server that keeps what it gets.
    Mailbox,
    /// A service.
    Service(Service),
    /// A second process of a service, at ports of its own.
    Replica(Service),
}

impl Part {
    /// The whole store.
    pub const STORE: [Self; 8] = [
        Self::Postgres,
        Self::Kafka,
        Self::Mailbox,
        Self::Service(Service::User),
        Self::Service(Service::Product),
        Self::Service(Service::Order),
        Self::Service(Service::Notify),
        Self::Service(Service::Gateway),
    ];

    /// The service that it is a process of.
    pub fn service(self) -> Option<Service> {
        match self {
            Self::Service(service) | Self::Replica(service) => Some(service),
            Self::Postgres | Self::Kafka | Self::Mailbox => None,
        }
    }
}

/// The name on the screen and of the log: `postgres`, `order-svc`, `order-svc-2`.
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postgres => f.write_str("postgres"),
            Self::Kafka => f.write_str("kafka"),
            Self::Mailbox => f.write_str("mailbox"),
            Self::Service(service) => f.write_str(service.name()),
            Self::Replica(service) => write!(f, "{}-2", service.name()),
        }
    }
}

impl FromStr for Part {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let replicas = Service::ALL.into_iter().map(Self::Replica);
        let mut all = Self::STORE.into_iter().chain(replicas);
        let Some(part) = all.find(|part| part.to_string() == name) else {
            let names: Vec<String> = Self::STORE.iter().map(ToString::to_string).collect();
            bail!("no part is called `{name}`; they are {}", names.join(", "));
        };
        Ok(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_by_its_name() {
        for part in Part::STORE.into_iter().chain([Part::Replica(Service::Order)]) {
            assert_eq!(part.to_string().parse::<Part>().ok(), Some(part));
        }
        let error = "postgre".parse::<Part>().expect_err("a typing error").to_string();
        assert!(error.contains("no part is called `postgre`; they are postgres, kafka"), "{error}");
    }

    #[test]
    fn the_table_of_services_is_in_their_order() {
        let names = Service::ALL.map(Service::name);
        assert_eq!(names, ["user-svc", "product-svc", "order-svc", "notify-svc", "gateway"]);
    }
}
