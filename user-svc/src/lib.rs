//! user-svc owns accounts, credentials, sessions, API clients and the keys that sign access tokens, and
//! collects the audit trail of all services. It knows nothing of products and orders.

mod access_token;
mod api;
mod api_client;
mod audit;
pub mod commands;
pub mod config;
mod consumer;
mod convert;
mod db;
mod device;
mod error;
mod events;
mod limit;
mod link;
mod password;
mod rights;
mod schema;
mod secret;
mod session;
mod signing_key;
pub mod upkeep;
mod user;

use std::{convert::Infallible, sync::Arc};

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use mesh::{BoxError, boot::Process, server::Listeners, token::Verifier};
use mesh_data::{database::Database, outbox::Wakeup, service::DataService};
use proto::user::v1::{
    audit_service_server::AuditServiceServer, link_service_server::LinkServiceServer,
    user_service_server::UserServiceServer,
};
use tonic::service::Routes;

use crate::{
    access_token::Issuer,
    api::{Api, jwks},
    config::Config,
    consumer::{AuditEvents, TOPICS},
    limit::{NetworkLimits, Subjects},
    password::hashing::Passwords,
    session::SessionLifetime,
    signing_key::{SigningKeys, folder},
};

/// The migrations of the database schema.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// What operations need. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App {
    pub database: Database,
    pub passwords: Passwords,
    pub network_limits: NetworkLimits,
    pub subjects: Subjects,
    pub issuer: Issuer,
    /// Wakes the relay of the outbox.
    pub wakeup: Wakeup,
    pub session_lifetime: SessionLifetime,
}

/// Serves until the process shuts down.
///
/// # Errors
/// Invalid settings or files, and the failure of a background task.
pub async fn run(config: Config, listeners: Listeners, process: Process) -> Result<(), BoxError> {
    let settings = &config.settings;
    let service = DataService::load(settings, &MIGRATIONS, proto::FILE_DESCRIPTOR_SET, process)?;
    let files = folder::read(&config.signing_keys_dir)?;
    let keys = SigningKeys::new(files, config.signing_key_notice_seconds)?;
    let verifier = Verifier::fixed(&settings.token, &keys.jwks())?;
    let app = App {
        database: service.database.clone(),
        passwords: Passwords::new(
            settings.server.calls_max,
            config.password_calls_per_network_max,
        )?,
        network_limits: NetworkLimits::new(
            config.login_failures_per_network_max,
            config.sign_ups_max,
        ),
        subjects: Subjects::new(service.derive_key("limit subjects")?),
        issuer: Issuer::new(&settings.token, keys.clone(), config.admin_token_duration()),
        wakeup: service.wakeup.clone(),
        session_lifetime: config.session_lifetime(),
    };
    metrics::counter!("refresh_tokens_reused_total").increment(0);
    service.spawn_relay();
    let handler = AuditEvents { database: service.database.clone() };
    service.spawn_consumer(config.kafka_group, &TOPICS, handler);
    spawn_upkeep(&service);
    let reloader = folder::Reloader::new(config.signing_keys_dir, keys.clone(), verifier.clone());
    spawn_reload(&service.process, reloader);
    let api = Api { app, page_tokens: service.page_tokens.clone() };
    let routes = Routes::new(UserServiceServer::new(api.clone()))
        .add_service(LinkServiceServer::new(api.clone()))
        .add_service(AuditServiceServer::new(api));
    service.serve(listeners, jwks::add_route(routes, keys), verifier).await
}

fn spawn_upkeep(service: &DataService) {
    let (database, shutdown) = (service.database.clone(), service.process.shutdown.clone());
    service.process.every("upkeep", upkeep::INTERVAL, move || {
        let (database, shutdown) = (database.clone(), shutdown.clone());
        async move {
            upkeep::delete_expired(&database, &shutdown).await?;
            upkeep::make_name_keys(&database, &shutdown).await
        }
    });
}

fn spawn_reload(process: &Process, reloader: folder::Reloader) {
    let reloader = Arc::new(reloader);
    process.every("signing keys", folder::RELOAD_INTERVAL, move || {
        let reloader = reloader.clone();
        async move {
            reloader.reload();
            Ok::<_, Infallible>(())
        }
    });
}
