//! order-svc owns orders, what became of checkouts, and the statistics of both. It knows
//! of products no more than what was sold of them, and of stock nothing.

pub mod api;
pub mod checkout;
pub mod clients;
pub mod config;
pub mod consumer;
pub mod convert;
pub mod db;
pub mod error;
pub mod export;
pub mod fulfilment;
pub mod lookup;
pub mod order;
pub mod periods;
pub mod relay;
pub mod schema;
pub mod statistics;
pub mod upkeep;

use std::sync::Arc;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use futures::FutureExt;
use mesh::{
    BoxError,
    boot::{Process, Service, Serving},
    server::Listeners,
    token::Verifier,
};
use mesh_data::{
    consumer::consume,
    database::Database,
    kafka::Producer,
    outbox::{self, Wakeup},
    page::PageTokens,
};
use proto::order::v1::{
    checkout_service_server::CheckoutServiceServer,
    order_admin_service_server::OrderAdminServiceServer, order_service_server::OrderServiceServer,
};
use tonic::service::Routes;

use crate::{
    api::Api,
    checkout::Placing,
    clients::{PRODUCT_SVC_UNAVAILABLE, Reservations},
    config::Config,
    consumer::{MailEvents, TOPICS},
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
    /// Holds stock at product-svc.
    pub reservations: Reservations,
    /// Writes orders in groups.
    pub placing: Placing,
    /// Wakes the relay of the outbox.
    pub bell: Wakeup,
}

/// Serves until the process is to end.
///
/// # Errors
/// Settings that cannot be used, and what ends a service that cannot go on.
pub async fn run(config: Config, listeners: Listeners, process: Process) -> Result<(), BoxError> {
    let service = Service::load(&config.server, &config.tls, proto::FILE_DESCRIPTOR_SET)?;
    let user_svc = service.channel(&config.token.jwks_url, "USER_SVC_UNAVAILABLE")?;
    let product_svc = service.channel(&config.product_svc_url, PRODUCT_SVC_UNAVAILABLE)?;
    let database = Database::open(&config.database, &MIGRATIONS)?;
    let producer = Producer::new(&config.kafka)?;
    let readiness = producer.report_to(database.readiness());

    let (bell, currency) = (Wakeup::default(), Arc::<str>::from(config.shop_currency));
    let app = App {
        database: database.clone(),
        currency: currency.clone(),
        reservations: Reservations::new(product_svc, currency.clone()),
        placing: Placing::start(database.clone(), currency, bell.clone()),
        bell: bell.clone(),
    };
    let page_tokens = PageTokens::load(&config.page.page_token_key_file)?;
    let watched = lookup::watch_orders(&process, database.clone());
    let api = Api { app: app.clone(), page_tokens, watched };
    let serving = Serving {
        routes: Routes::new(OrderServiceServer::new(api.clone()))
            .add_service(OrderAdminServiceServer::new(api.clone()))
            .add_service(CheckoutServiceServer::new(api)),
        verifier: Verifier::fetching(&config.token, user_svc),
        readiness,
    };
    let shutdown = process.shutdown.clone();
    process.spawn("consumer", {
        let events = MailEvents { database: database.clone() };
        let (kafka, producer) = (config.kafka.clone(), producer.clone());
        let shutdown = shutdown.clone();
        let group = config.kafka_group;
        async move { consume(&kafka, &group, &TOPICS, events, producer, shutdown).await }
    });
    let relay = outbox::relay(database, producer, bell, shutdown.clone());
    process.spawn("relay", relay.map(Ok));
    process.spawn("upkeep", upkeep::keep(app, shutdown).map(Ok));
    service.serve(listeners, serving, process).await
}
