//! product-svc owns the catalogue, prices, stock, reservations and the inventory ledger. It knows
//! nothing of accounts, and of orders only their ids.

mod api;
pub mod clients;
pub mod commands;
pub mod config;
mod consumer;
mod convert;
mod db;
mod error;
mod events;
pub mod inventory;
mod product;
pub mod reservation;
mod schema;
mod upkeep;

use std::sync::Arc;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use mesh::{BoxError, boot::Process, config::REQUEST_BYTES_MAX, server::Listeners};
use mesh_data::{database::Database, service::DataService};
use proto::product::v1::{
    inventory_service_server::InventoryServiceServer, product_service_server::ProductServiceServer,
    reservation_service_server::ReservationServiceServer,
};
use tonic::service::Routes;

use crate::{
    api::Api,
    clients::Checkouts,
    config::Config,
    consumer::{OrderEvents, TOPICS},
    product::{
        indexing::{IndexReadiness, VocabularyCleaner, index_products},
        lists::ListCache,
        search::SearchDatabase,
        watch::watch_stock_states,
    },
    reservation::{reserve::ReservationWriter, sweeper::sweep},
};

/// The migrations of the database schema.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// What operations need. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App {
    pub database: Database,
    pub search_database: SearchDatabase,
    /// The one currency of the shop, ISO 4217.
    pub currency: Arc<str>,
    pub lists: ListCache,
}

/// Serves until shutdown.
///
/// # Errors
/// Invalid settings or files, and the failure of a background task.
pub async fn run(config: Config, listeners: Listeners, process: Process) -> Result<(), BoxError> {
    let (settings, search_connections_max) = config.split_connections();
    let mut service =
        DataService::load(&settings, &MIGRATIONS, proto::FILE_DESCRIPTOR_SET, process)?;
    let verifier = service.verifier("USER_SVC_UNAVAILABLE")?;
    let order_svc = service.channel(&config.order_svc_url, "ORDER_SVC_UNAVAILABLE")?;
    let checkouts = Checkouts::new(order_svc);
    let database = service.database.clone();

    let currency = config.shop_currency.into();
    let search_pool = database.separate_pool("search", search_connections_max);
    let search_database = SearchDatabase::new(search_pool.clone(), search_connections_max);
    let lists = ListCache::default();
    let app = App { database: database.clone(), search_database, currency, lists };
    let api = Api {
        app: app.clone(),
        page_tokens: service.page_tokens.clone(),
        reservations: ReservationWriter::start(app),
        stock_states: watch_stock_states(&service.process, database.clone()),
    };
    // The limits of the contract apply before this one.
    let product_service = ProductServiceServer::new(api.clone())
        .max_decoding_message_size(REQUEST_BYTES_MAX as usize);
    let routes = Routes::new(product_service)
        .add_service(InventoryServiceServer::new(api.clone()))
        .add_service(ReservationServiceServer::new(api));

    let handler = OrderEvents { database: database.clone() };
    service.spawn_consumer(config.kafka_group, &TOPICS, handler);
    service.spawn_relay();
    let keys = IndexReadiness::new(database.clone());
    service.readiness = service
        .readiness
        .require("search keys", move || keys.clone().check())
        .require("search connections", move || {
            let pool = search_pool.clone();
            async move { pool.check().await }
        });
    let indexed = database.clone();
    service.process.every("indexing", upkeep::INDEX_INTERVAL, move || {
        let database = indexed.clone();
        async move { index_products(&database).await }
    });
    let (cleaner, cleaned) = (Arc::new(VocabularyCleaner::default()), database.clone());
    service.process.every("vocabulary", upkeep::VOCABULARY_INTERVAL, move || {
        let (cleaner, database) = (cleaner.clone(), cleaned.clone());
        async move { cleaner.check_words(&database).await.map(drop) }
    });
    service.process.every("sweeper", upkeep::SWEEP_INTERVAL, move || {
        let (database, checkouts) = (database.clone(), checkouts.clone());
        async move { sweep(&database, &checkouts, config.hold_seconds_max).await.map(drop) }
    });
    service.serve(listeners, routes, verifier).await
}
