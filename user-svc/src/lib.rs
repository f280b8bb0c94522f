//! user-svc owns accounts, credentials, sessions, API clients and the keys that sign
//! access tokens. It knows nothing of products and orders.

pub mod access_token;
pub mod accounts;
pub mod api;
pub mod api_clients;
pub mod commands;
pub mod config;
pub mod convert;
pub mod cookie;
pub mod credentials;
pub mod db;
pub mod error;
pub mod limit;
pub mod link;
pub mod password;
pub mod schema;
pub mod session;
pub mod sessions;
pub mod signing;
pub mod upkeep;
pub mod user;

use std::time::Duration;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use futures::FutureExt;
use mesh::{
    BoxError,
    boot::{Process, Service, Serving},
    server::Listeners,
    token::Verifier,
};
use mesh_data::{
    database::Database,
    kafka::Producer,
    outbox::{Wakeup, relay},
    page::PageTokens,
};
use proto::user::v1::user_service_server::UserServiceServer;
use tonic::service::Routes;

use crate::{
    access_token::Issuer,
    api::{Api, serve_jwks},
    config::Config,
    password::Passwords,
    signing::SigningKeys,
};

/// The schema, embedded.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// What every operation needs. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The service's own database.
    pub database: Database,
    /// Hashes and checks passwords.
    pub passwords: Passwords,
    /// Issues access tokens.
    pub issuer: Issuer,
    /// Wakes the relay of the outbox.
    pub bell: Wakeup,
    /// How long a session lives that is not used.
    pub session_duration_max: Duration,
}

/// Serves until the process is to end.
///
/// # Errors
/// Settings that cannot be used, and what ends a service that cannot go on.
pub async fn run(config: Config, listeners: Listeners, process: Process) -> Result<(), BoxError> {
    let service = Service::load(&config.server, &config.tls, proto::FILE_DESCRIPTOR_SET)?;
    let keys = SigningKeys::load(&config.signing_keys_dir, config.signing_key_notice_seconds)?;
    let verifier = Verifier::fixed(&config.token, &keys.jwks())?;
    let database = Database::open(&config.database, &MIGRATIONS)?;
    let producer = Producer::new(&config.kafka)?;
    let readiness = producer.report_to(database.readiness());

    let bell = Wakeup::default();
    let app = App {
        database: database.clone(),
        passwords: Passwords::new()?,
        issuer: Issuer::new(&config.token, keys.clone()),
        bell: bell.clone(),
        session_duration_max: config.session_duration_max(),
    };
    let page_tokens = PageTokens::load(&config.page.page_token_key_file)?;
    let routes = Routes::new(UserServiceServer::new(Api { app, page_tokens }));
    let serving =
        Serving { routes: serve_jwks(routes, keys.clone()), verifier: verifier.clone(), readiness };
    metrics::counter!("refresh_tokens_reused_total").increment(0);
    let shutdown = process.shutdown.clone();
    process.spawn("signing keys", keys.watch(verifier, shutdown.clone()).map(Ok));
    process.spawn("upkeep", upkeep::keep(database.clone(), shutdown.clone()).map(Ok));
    process.spawn("relay", relay(database, producer, bell, shutdown).map(Ok));
    service.serve(listeners, serving, process).await
}
