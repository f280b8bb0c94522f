//! Where everything of one store is: its folder, its ports, and what is used from outside.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use topology::Service;

use crate::options::External;
use crate::part::Part;
use crate::ports::{Assigned, Socket};
use crate::postgres;
use crate::secrets::Secrets;

/// The addresses of one store. An answer is `None` where the part is not among those of the store.
pub struct Addresses {
    dir: PathBuf,
    ports: Assigned,
    secrets: Secrets,
    external: External,
}

impl Addresses {
    pub(crate) fn new(dir: &Path, ports: Assigned, secrets: Secrets, external: External) -> Self {
        Self { dir: dir.to_owned(), ports, secrets, external }
    }

    /// The folder of all state.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The folder of certificates: `ca.pem`, and `NAME.pem` and `NAME-key.pem` of each service.
    pub fn tls_dir(&self) -> PathBuf {
        self.dir.join("tls")
    }

    /// The folder of keys that sign access tokens.
    pub fn signing_keys_dir(&self) -> Result<PathBuf> {
        self.secrets.signing_keys()
    }

    /// `http://127.0.0.1:PORT` of the gateway.
    pub fn gateway_url(&self) -> Option<String> {
        self.http_url(Socket::Requests(Part::Service(Service::GATEWAY)))
    }

    /// `http://127.0.0.1:PORT` of the mailbox; its REST lies under it.
    pub fn mailbox_url(&self) -> Option<String> {
        self.http_url(Socket::MailboxWeb)
    }

    /// `http://127.0.0.1:PORT` of a service's health and metrics.
    pub fn admin_url(&self, part: Part) -> Option<String> {
        self.http_url(Socket::Admin(part))
    }

    /// `https://localhost:PORT` of a service, for those with a certificate.
    pub fn service_url(&self, part: Part) -> Option<String> {
        Some(format!("https://localhost:{}", self.ports.get(Socket::Requests(part))?))
    }

    /// The brokers, separated by commas.
    pub fn kafka_brokers(&self) -> Option<String> {
        let own = || Some(format!("127.0.0.1:{}", self.ports.get(Socket::Kafka)?));
        self.external.kafka_brokers.clone().or_else(own)
    }

    /// The mail server.
    pub fn smtp_url(&self) -> Option<String> {
        let own = || Some(format!("smtp://127.0.0.1:{}", self.ports.get(Socket::Smtp)?));
        self.external.smtp_url.clone().or_else(own)
    }

    /// The database of a service, as its own role.
    pub fn database_url(&self, service: Service) -> Option<String> {
        let own = || {
            let name = service.database()?;
            Some(postgres::url(name, name, self.ports.get(Socket::Postgres)?, name))
        };
        self.external.database_urls.get(&service).cloned().or_else(own)
    }

    /// The database server's own database, as `postgres`, who may do anything, or `tester`, who may
    /// create databases.
    pub fn postgres_url(&self, role: &str) -> Result<String> {
        let password = self.secrets.password(&format!("postgres-{role}"))?;
        Ok(postgres::url(role, &password, self.port(Socket::Postgres)?, "postgres"))
    }

    pub(crate) fn port(&self, socket: Socket) -> Result<u16> {
        self.ports.get(socket).with_context(|| format!("{socket} is not here"))
    }

    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    fn http_url(&self, socket: Socket) -> Option<String> {
        Some(format!("http://127.0.0.1:{}", self.ports.get(socket)?))
    }
}
