//! Which parts a store has, and which servers it uses instead of its own.

use std::{collections::BTreeMap, env, path::PathBuf, sync::Arc};

use setup::client_tls::ClientTls;
use topology::Service;

use crate::{part::Part, ports::Ports};

/// Receives each progress line.
pub type Progress = Arc<dyn Fn(&str) + Send + Sync>;

/// The options of a [`Stack`](crate::Stack).
#[derive(Clone)]
pub struct Options {
    /// The folder of all its state; created where it is missing.
    pub(crate) dir: PathBuf,
    /// How ports are chosen.
    pub ports: Ports,
    /// The parts to start.
    pub parts: Vec<Part>,
    /// Servers that run already.
    pub external: External,
    /// Environment variables of single services, which override devstack's.
    pub(crate) environment: Vec<(Part, String, String)>,
    /// Receives each progress line.
    pub progress: Progress,
}

impl Options {
    /// Returns the options of a whole store in `dir`, on free ports, without progress lines.
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

    /// Replaces the parts.
    pub fn parts(mut self, parts: impl IntoIterator<Item = Part>) -> Self {
        self.parts = parts.into_iter().collect();
        self
    }

    /// Adds an environment variable of a service.
    pub fn environment(mut self, part: Part, name: &str, value: &str) -> Self {
        self.environment.push((part, name.to_owned(), value.to_owned()));
        self
    }
}

/// Servers that the store uses instead of its own.
#[derive(Clone, Debug, Default)]
pub struct External {
    /// The databases of services.
    pub(crate) database_urls: BTreeMap<Service, String>,
    /// The Kafka bootstrap servers, separated by commas.
    pub(crate) kafka_brokers: Option<String>,
    /// The files of all clients of those, which may create topics. `None`: without TLS.
    pub(crate) kafka_tls: Option<ClientTls>,
    /// The mail server.
    pub(crate) smtp_url: Option<String>,
}

impl External {
    /// Reads `USER_DATABASE_URL` and the like, `KAFKA_BROKERS`, `KAFKA_TLS_CA_FILE` and the like, and
    /// `SMTP_URL`.
    pub fn from_env() -> Self {
        let read = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let database_urls = Service::with_database()
            .filter_map(|service| {
                Some((service, read(&format!("{}_DATABASE_URL", service.prefix()))?))
            })
            .collect();
        let file = |name: &str| read(name).map(PathBuf::from).unwrap_or_default();
        let kafka_tls = read("KAFKA_TLS_CA_FILE").map(|ca| ClientTls {
            ca: ca.into(),
            certificate: file("KAFKA_TLS_CERT_FILE"),
            key: file("KAFKA_TLS_KEY_FILE"),
        });
        Self {
            database_urls,
            kafka_brokers: read("KAFKA_BROKERS"),
            kafka_tls,
            smtp_url: read("SMTP_URL"),
        }
    }

    /// Reports whether nothing needs `part`, because all that it provides is external.
    pub(crate) fn replaces(&self, part: Part) -> bool {
        match part {
            Part::Postgres => self.database_urls.len() == Service::with_database().count(),
            Part::Kafka => self.kafka_brokers.is_some(),
            Part::Mailbox => self.smtp_url.is_some(),
            Part::Service(_) | Part::Replica(_) => false,
        }
    }
}
