//! The parts of a store: the servers and the services, in the order in which they start.

use std::{fmt, str::FromStr};

use anyhow::{Error, bail};
use topology::Service;

/// A process that devstack supervises. Parts start in this order and stop in the reverse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The database server.
    Postgres,
    /// The broker.
    Kafka,
    /// The mail server, which keeps the mails that it receives.
    Mailbox,
    /// A service.
    Service(Service),
    /// A second process of a service, with its own ports.
    Replica(Service),
}

impl Part {
    /// Returns all parts but replicas.
    pub fn store() -> impl Iterator<Item = Self> {
        let servers = [Self::Postgres, Self::Kafka, Self::Mailbox];
        servers.into_iter().chain(Service::all().map(Self::Service))
    }

    /// Returns the service of the process.
    pub fn service(self) -> Option<Service> {
        match self {
            Self::Service(service) | Self::Replica(service) => Some(service),
            Self::Postgres | Self::Kafka | Self::Mailbox => None,
        }
    }
}

/// The name in messages and of the log: `postgres`, `order-svc`, `order-svc-2`.
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
        let replicas = Service::all().map(Self::Replica);
        let mut all = Self::store().chain(replicas);
        let Some(part) = all.find(|part| part.to_string() == name) else {
            let names: Vec<String> = Self::store().map(|part| part.to_string()).collect();
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
        for part in Part::store().chain([Part::Replica(Service::ORDER)]) {
            assert_eq!(part.to_string().parse::<Part>().ok(), Some(part));
        }
        let error = "postgre".parse::<Part>().expect_err("a wrong name").to_string();
        assert!(error.contains("no part is called `postgre`; they are postgres, kafka"), "{error}");
    }
}
