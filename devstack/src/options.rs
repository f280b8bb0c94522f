//! What a store is made of, and what is taken from outside instead.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use topology::Service;

use crate::Progress;
use crate::part::Part;
use crate::ports::Ports;

/// How a [`Stack`](crate::Stack) is to be.
#[derive(Clone)]
pub struct Options {
    /// The folder of all its state; made where it is missing.
    pub dir: PathBuf,
    /// How ports are chosen.
    pub ports: Ports,
    /// What is started.
    pub parts: Vec<Part>,
    /// What is there already.
    pub external: External,
    /// More environment for a service, over what devstack gives it.
    pub environment: Vec<(Part, String, String)>,
    /// Takes each line that tells what goes on.
    pub progress: Progress,
}

impl Options {
    /// The whole store in `dir`, on free ports, silent.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            ports: Ports::Free,
            parts: Part::store().collect(),
            external: External::default(),
            environment: Vec::new(),
            progress: Arc::new(|_| {}),
        }
    }

    /// The same with only these parts.
    pub fn parts(mut self, parts: impl IntoIterator<Item = Part>) -> Self {
        self.parts = parts.into_iter().collect();
        self
    }

    /// The same with a variable for a service.
    pub fn environment(mut self, part: Part, name: &str, value: &str) -> Self {
        self.environment.push((part, name.to_owned(), value.to_owned()));
        self
    }
}

/// Servers that are used instead of own ones.
#[derive(Clone, Debug, Default)]
pub struct External {
    /// The database of a service.
    pub database_urls: BTreeMap<Service, String>,
    /// Addresses of brokers, separated by commas.
    pub kafka_brokers: Option<String>,
    /// The mail server.
    pub smtp_url: Option<String>,
}

impl External {
    /// What `USER_DATABASE_URL` and its like, `KAFKA_BROKERS` and `SMTP_URL` name.
    pub fn from_env() -> Self {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let database_urls = Service::with_database()
            .filter_map(|service| {
                Some((service, set(&format!("{}_DATABASE_URL", service.prefix()))?))
            })
            .collect();
        Self { database_urls, kafka_brokers: set("KAFKA_BROKERS"), smtp_url: set("SMTP_URL") }
    }

    /// Whether all that `part` would give comes from outside.
    pub(crate) fn replaces(&self, part: Part) -> bool {
        match part {
            Part::Postgres => self.database_urls.len() == Service::with_database().count(),
            Part::Kafka => self.kafka_brokers.is_some(),
            Part::Mailbox => self.smtp_url.is_some(),
            Part::Service(_) | Part::Replica(_) => false,
        }
    }
}
