//! Boot of a service that owns data: opens what every such service needs, starts its background
//! tasks, and serves until shutdown.

use std::time::Duration;

use aws_lc_rs::hmac;
use diesel_migrations::EmbeddedMigrations;
use mesh::{
    BoxError,
    admin::Readiness,
    boot::{Process, Service, Serving},
    channel::Channel,
    server::Listeners,
    token::Verifier,
};
use tonic::service::Routes;

use crate::{
    config::Settings,
    consumer::{Handler, consume},
    database::Database,
    kafka::Producer,
    key,
    outbox::{self, Wakeup},
    page::PageTokens,
};

/// How often the relay's backlog is measured.
const MEASURE_INTERVAL: Duration = Duration::from_secs(2);

/// A service with its database, its broker and its process.
pub struct DataService {
    /// The service's own database.
    pub database: Database,
    /// Publishes records.
    pub producer: Producer,
    /// Signs and verifies page tokens.
    pub page_tokens: PageTokens,
    /// Wakes the relay of the outbox.
    pub wakeup: Wakeup,
    /// The readiness checks; a service adds its own.
    pub readiness: Readiness,
    /// The process that the service runs in.
    pub process: Process,
    settings: Settings,
    service: Service,
}

impl DataService {
    /// Reads certificates and keys, and opens database and producer, which connect when needed.
    ///
    /// # Errors
    /// Invalid settings or files.
    pub fn load(
        settings: &Settings,
        migrations: &EmbeddedMigrations,
        file_descriptor_set: &'static [u8],
        process: Process,
    ) -> Result<Self, BoxError> {
        let Settings { server, streams, tls, .. } = settings;
        let service = Service::load(server, streams, tls, file_descriptor_set)?;
        let database = Database::open(&settings.database, migrations)?;
        let producer = Producer::new(&settings.kafka)?;
        Ok(Self {
            readiness: producer.report_to(database.readiness()),
            database,
            producer,
            page_tokens: PageTokens::load(&settings.page.page_token_key_file)?,
            wakeup: Wakeup::default(),
            process,
            settings: settings.clone(),
            service,
        })
    }

    /// Returns a channel to the service at `url`. Errors carry `unavailable_reason` while it is
    /// down.
    ///
    /// # Errors
    /// A URL without a host.
    pub fn channel(
        &self,
        url: &http::Uri,
        unavailable_reason: &'static str,
    ) -> Result<Channel, BoxError> {
        self.service.channel(url, unavailable_reason)
    }

    /// Returns the key for `purpose`, the same at all replicas, derived from the page token key.
    ///
    /// # Errors
    /// An invalid file.
    pub fn derive_key(&self, purpose: &str) -> Result<hmac::Key, BoxError> {
        Ok(key::derive(&key::read(&self.settings.page.page_token_key_file)?, purpose))
    }

    /// Consumes `topics` as `group` until shutdown, from when the schema is migrated.
    pub fn spawn_consumer(
        &self,
        group: impl Into<String>,
        topics: &'static [&'static str],
        handler: impl Handler,
    ) {
        let (kafka, group) = (self.settings.kafka.clone(), group.into());
        let (producer, shutdown) = (self.producer.clone(), self.process.shutdown.clone());
        let database = self.database.clone();
        self.process.spawn("consumer", async move {
            consume(&kafka, &group, topics, &database, handler, producer, shutdown).await
        });
    }

    /// Publishes the outbox until shutdown, and reports its backlog as metrics.
    pub fn spawn_relay(&self) {
        let relay = outbox::relay(
            self.database.clone(),
            self.producer.clone(),
            self.wakeup.clone(),
            self.process.shutdown.clone(),
        );
        self.process.spawn("relay", async move {
            relay.await;
            Ok(())
        });
        let database = self.database.clone();
        self.process.every("outbox metrics", MEASURE_INTERVAL, move || {
            let database = database.clone();
            async move { outbox::measure(&database).await }
        });
    }

    /// Returns a verifier that fetches the public keys from the token issuer at `JWKS_URL`.
    ///
    /// # Errors
    /// A URL without a host.
    pub fn verifier(&self, unavailable_reason: &'static str) -> Result<Verifier, BoxError> {
        let token = &self.settings.token;
        Ok(Verifier::fetching(token, self.channel(&token.jwks_url, unavailable_reason)?))
    }

    /// Serves `routes` until shutdown, then drains.
    ///
    /// # Errors
    /// Descriptors that reflection cannot read, and the failure of a background task.
    pub async fn serve(
        self,
        listeners: Listeners,
        routes: Routes,
        verifier: Verifier,
    ) -> Result<(), BoxError> {
        let serving = Serving { routes, verifier, readiness: self.readiness };
        self.service.serve(listeners, serving, self.process).await
    }
}
