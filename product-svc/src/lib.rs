//! product-svc owns the catalogue, prices, stock, reservations and the inventory
//! ledger. It knows nothing of accounts, and of orders no more than their ids.

pub mod api;
pub mod catalogue;
pub mod config;
pub mod convert;
pub mod db;
pub mod error;
pub mod product;
pub mod schema;
pub mod search;

use std::sync::Arc;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use mesh::{
    BoxError,
    boot::{Process, Service, Serving},
    database::Database,
    page::PageTokens,
    server::Listeners,
    token::Verifier,
};
use proto::product::v1::product_service_server::ProductServiceServer;
use tonic::service::Routes;

use crate::{api::Api, config::Config};

/// The schema, embedded.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// What every operation needs. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The service's own database.
    pub database: Database,
    /// The one currency of the shop, ISO 4217.
    pub currency: Arc<str>,
}

/// Serves until the process is to end.
///
/// # Errors
/// Settings that cannot be used, and what ends a service that cannot go on.
pub async fn run(config: Config, listeners: Listeners, process: Process) -> Result<(), BoxError> {
    let service = Service::load(&config.server, &config.tls, proto::FILE_DESCRIPTOR_SET)?;
    let user_svc = service.channel(&config.token.jwks_url, "USER_SVC_UNAVAILABLE")?;
    let database = Database::open(&config.database, &MIGRATIONS)?;
    let readiness = database.readiness();

    let app = App { database, currency: config.shop_currency.into() };
    let api = Api { app, page_tokens: PageTokens::load(&config.page.page_token_key_file)? };
    let serving = Serving {
        routes: Routes::new(ProductServiceServer::new(api)),
        verifier: Verifier::fetching(&config.token, user_svc),
        readiness,
    };
    service.serve(listeners, serving, process).await
}
