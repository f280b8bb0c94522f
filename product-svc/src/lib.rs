//! product-svc owns the catalogue, prices, stock, reservations and the inventory
//! ledger. It knows nothing of accounts, and of orders no more than their ids.

pub mod api;
pub mod catalogue;
pub mod clients;
pub mod config;
pub mod consumer;
pub mod convert;
pub mod db;
pub mod error;
pub mod import;
pub mod inventory;
pub mod lists;
pub mod product;
pub mod reservation;
pub mod reserve;
pub mod schema;
pub mod search;
pub mod settle;
pub mod stock;

use std::{fs, path::Path, sync::Arc};

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use futures::FutureExt;
use mesh::{
    BoxError,
    boot::{Process, Service, Serving},
    server::Listeners,
    token::Verifier,
};
use mesh_data::{consumer::consume, database::Database, kafka::Producer, page::PageTokens};
use proto::product::v1::{
    inventory_service_server::InventoryServiceServer, product_service_server::ProductServiceServer,
    reservation_service_server::ReservationServiceServer,
};
use tonic::service::Routes;

use crate::{
    api::Api,
    clients::Checkouts,
    config::Config,
    consumer::{GROUP, OrderEvents, TOPICS},
    lists::Lists,
    reserve::Reserving,
};

/// The schema, embedded.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// What every operation needs. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The service's own database.
    pub database: Database,
    /// The one currency of the shop, ISO 4217.
    pub currency: Arc<str>,
    /// Pages of the catalogue as they were just now.
    pub lists: Lists,
}

/// Serves until the process is to end.
///
/// # Errors
/// Settings that cannot be used, and what ends a service that cannot go on.
pub async fn run(config: Config, listeners: Listeners, process: Process) -> Result<(), BoxError> {
    let service = Service::load(&config.server, &config.tls, proto::FILE_DESCRIPTOR_SET)?;
    let user_svc = service.channel(&config.token.jwks_url, "USER_SVC_UNAVAILABLE")?;
    let order_svc = service.channel(&config.order_svc_url, "ORDER_SVC_UNAVAILABLE")?;
    let database = Database::open(&config.database, &MIGRATIONS)?;
    let producer = Producer::new(&config.kafka)?;
    let readiness = producer.report_to(database.readiness());

    let currency = config.shop_currency.into();
    let app = App { database: database.clone(), currency, lists: Lists::default() };
    let api = Api {
        app: app.clone(),
        page_tokens: PageTokens::load(&config.page.page_token_key_file)?,
        reserving: Reserving::start(app),
        stock_states: catalogue::watch_stock_states(&process, database.clone()),
    };
    let serving = Serving {
        routes: Routes::new(ProductServiceServer::new(api.clone()))
            .add_service(InventoryServiceServer::new(api.clone()))
            .add_service(ReservationServiceServer::new(api)),
        verifier: Verifier::fetching(&config.token, user_svc),
        readiness,
    };
    let shutdown = process.shutdown.clone();
    let events = OrderEvents { database: database.clone() };
    process.spawn("consumer", {
        let (kafka, shutdown) = (config.kafka.clone(), shutdown.clone());
        async move { consume(&kafka, GROUP, &TOPICS, events, producer, shutdown).await }
    });
    let checkouts = Checkouts::new(order_svc);
    let sweeping = settle::sweep(database, checkouts, config.hold_seconds_max, shutdown);
    process.spawn("sweeper", sweeping.map(Ok));
    service.serve(listeners, serving, process).await
}

/// Creates or changes products from a file, and says how many.
///
/// # Errors
/// A file that cannot be read, every bad row, or a database that is not there.
pub async fn import_file(config: &Config, file: &Path) -> Result<(), BoxError> {
    let bytes = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let database = Database::open(&config.database, &MIGRATIONS)?;
    let currency = config.shop_currency.as_str().into();
    let app = App { database, currency, lists: Lists::default() };
    let report = import::import_products(&app, None, &bytes).await?;
    if !report.bad_rows.is_empty() {
        return Err(report.to_string().into());
    }
    println!("{report}");
    Ok(())
}
