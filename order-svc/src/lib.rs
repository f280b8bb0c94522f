//! order-svc owns orders, checkout outcomes, and the statistics of orders. Of a product it
//! knows only what an order has of it, and of stock nothing.

mod api;
pub mod checkout;
mod clients;
pub mod commands;
mod config;
pub mod consumer;
mod convert;
mod db;
mod error;
mod events;
pub mod order;
mod schema;
pub mod statistics;
mod upkeep;

use std::sync::Arc;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use mesh::{BoxError, boot::Process, channel::Channel, server::Listeners};
use mesh_data::{database::Database, outbox::Wakeup, service::DataService};
use proto::order::v1::{
    checkout_service_server::CheckoutServiceServer,
    order_admin_service_server::OrderAdminServiceServer, order_service_server::OrderServiceServer,
};
use tonic::service::Routes;

use crate::{
    api::Api,
    checkout::OrderWriter,
    clients::{PRODUCT_SVC_UNAVAILABLE, Reservations},
    consumer::{MailEvents, TOPICS},
    order::{customer_locks::CustomerLocks, lookup, open_orders::OpenOrders},
};
pub use crate::{
    config::{Config, DEFAULTS},
    error::Error,
};

/// The schema, embedded.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// What every operation needs. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The service's own database.
    pub database: Database,
    /// Inserts orders in groups.
    pub order_writer: OrderWriter,
    /// The one currency of the shop, ISO 4217.
    pub(crate) currency: Arc<str>,
    /// Most open orders of a customer whose address is not verified.
    pub(crate) unverified_max: OpenOrders,
    pub(crate) customer_locks: CustomerLocks,
    pub(crate) reservations: Reservations,
    /// Wakes the relay of the outbox.
    pub(crate) wakeup: Wakeup,
}

impl App {
    /// Starts the writer of orders.
    pub fn new(
        database: Database,
        product_svc: Channel,
        currency: impl Into<Arc<str>>,
        unverified_max: OpenOrders,
        wakeup: Wakeup,
    ) -> Self {
        let currency = currency.into();
        let writer =
            OrderWriter::start(&database, currency.clone(), unverified_max, wakeup.clone());
        Self {
            order_writer: writer,
            unverified_max,
            customer_locks: CustomerLocks::default(),
            reservations: Reservations::new(product_svc, currency.clone()),
            database,
            currency,
            wakeup,
        }
    }
}

/// Serves until shutdown.
///
/// # Errors
/// Invalid settings, and the failure of a background task.
pub async fn run(config: Config, listeners: Listeners, process: Process) -> Result<(), BoxError> {
    let service = DataService::load(
        &config.settings,
        &MIGRATIONS,
        proto::FILE_DESCRIPTOR_SET,
        process.clone(),
    )?;
    let (database, wakeup) = (service.database.clone(), service.wakeup.clone());
    let product_svc = service.channel(&config.product_svc_url, PRODUCT_SVC_UNAVAILABLE)?;
    let unverified_max = config.unverified_max();
    let app = App::new(database.clone(), product_svc, config.shop_currency, unverified_max, wakeup);
    service.spawn_consumer(config.kafka_group, &TOPICS, MailEvents { database: database.clone() });
    service.spawn_relay();
    process.every("upkeep", upkeep::INTERVAL, {
        let (app, shutdown) = (app.clone(), process.shutdown.clone());
        move || upkeep::roll_up_pending(app.clone(), shutdown.clone())
    });
    process.every("statistics metrics", upkeep::INTERVAL, {
        let app = app.clone();
        move || upkeep::measure(app.clone())
    });

    let subscriptions = lookup::watch_orders(&process, database);
    let api = Api { app, page_tokens: service.page_tokens.clone(), subscriptions };
    let routes = Routes::new(OrderServiceServer::new(api.clone()))
        .add_service(OrderAdminServiceServer::new(api.clone()))
        .add_service(CheckoutServiceServer::new(api));
    let verifier = service.verifier("USER_SVC_UNAVAILABLE")?;
    service.serve(listeners, routes, verifier).await
}
