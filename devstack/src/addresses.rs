//! The addresses of one store: its folder, its ports, and the external servers that it uses.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use setup::{broker::Broker, certificates::SETUP, client_tls::ClientTls, keys::Secrets};
use topology::Service;

use crate::{
    options::External,
    part::Part,
    ports::{Assigned, Socket},
    postgres,
};

/// The addresses of one store. An address is `None` where the store does not have the part.
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

    /// Returns the folder of all state.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the folder of certificates: `ca.pem`, and `NAME.pem` and `NAME-key.pem` of each
    /// service.
    pub(crate) fn tls_dir(&self) -> PathBuf {
        self.dir.join("tls")
    }

    /// Returns the folder of the keys that sign access tokens.
    pub(crate) fn signing_keys_dir(&self) -> Result<PathBuf> {
        self.secrets.signing_keys_dir()
    }

    /// Returns `http://127.0.0.1:PORT` of the gateway.
    pub fn gateway_url(&self) -> Option<String> {
        self.http_url(Socket::Requests(Part::Service(Service::GATEWAY)))
    }

    /// Returns `http://127.0.0.1:PORT` of the mailbox, the base of its REST API.
    pub(crate) fn mailbox_url(&self) -> Option<String> {
        self.http_url(Socket::MailboxWeb)
    }

    /// Returns `http://127.0.0.1:PORT` of a service's health and metrics.
    pub(crate) fn admin_url(&self, part: Part) -> Option<String> {
        self.http_url(Socket::Admin(part))
    }

    /// Returns the port on which a service or its replica serves calls.
    pub fn requests_port(&self, part: Part) -> Option<u16> {
        self.ports.get(Socket::Requests(part))
    }

    /// Returns `https://localhost:PORT` of a service, for clients with a certificate.
    pub(crate) fn service_url(&self, part: Part) -> Option<String> {
        Some(format!("https://localhost:{}", self.ports.get(Socket::Requests(part))?))
    }

    /// Returns the Kafka bootstrap servers, separated by commas.
    pub(crate) fn kafka_brokers(&self) -> Option<String> {
        let own = || Some(format!("127.0.0.1:{}", self.ports.get(Socket::Kafka)?));
        self.external.kafka_brokers.clone().or_else(own)
    }

    /// Returns the broker, as its administrator.
    pub(crate) fn broker(&self) -> Option<Broker> {
        Some(Broker { servers: self.kafka_brokers()?, tls: self.kafka_tls(SETUP) })
    }

    /// Returns the files by which `name` connects to the broker; `None`, if that needs none.
    pub(crate) fn kafka_tls(&self, name: &str) -> Option<ClientTls> {
        match &self.external.kafka_brokers {
            Some(_) => self.external.kafka_tls.clone(),
            None => Some(ClientTls::in_folder(&self.tls_dir(), name)),
        }
    }

    /// Returns the URL of the mail server.
    pub(crate) fn smtp_url(&self) -> Option<String> {
        let own = || Some(format!("smtp://127.0.0.1:{}", self.ports.get(Socket::Smtp)?));
        self.external.smtp_url.clone().or_else(own)
    }

    /// Returns the URL of a service's database, for its own role.
    pub fn database_url(&self, service: Service) -> Option<String> {
        let own = || {
            let name = service.database()?;
            Some(postgres::url(name, name, self.ports.get(Socket::Postgres)?, name))
        };
        self.external.database_urls.get(&service).cloned().or_else(own)
    }

    /// Returns the URL of a service's database, for the role that owns its schema; `None` if the
    /// database is external.
    pub(crate) fn migration_database_url(&self, service: Service) -> Result<Option<String>> {
        let port = self.ports.get(Socket::Postgres);
        let (Some(name), Some(port)) = (service.database(), port) else { return Ok(None) };
        if self.external.database_urls.contains_key(&service) {
            return Ok(None);
        }
        let owner = postgres::owner(name);
        let password = self.secrets.password(&postgres::password_name(&owner))?;
        Ok(Some(postgres::url(&owner, &password, port, name)))
    }

    /// Returns the URL of the database `postgres` for the superuser `postgres`, or for `tester`,
    /// which may create databases.
    pub fn postgres_url(&self, role: &str) -> Result<String> {
        let password = self.secrets.password(&postgres::password_name(role))?;
        Ok(postgres::url(role, &password, self.port(Socket::Postgres)?, "postgres"))
    }

    pub(crate) fn port(&self, socket: Socket) -> Result<u16> {
        self.ports.get(socket).with_context(|| format!("this store has no {socket}"))
    }

    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    fn http_url(&self, socket: Socket) -> Option<String> {
        Some(format!("http://127.0.0.1:{}", self.ports.get(socket)?))
    }
}
