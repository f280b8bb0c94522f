//! notify-svc owns the mails to customers and what becomes of them. It knows of orders
//! and accounts no more than the events that ask for a mail tell.

pub mod api;
pub mod config;
pub mod consumer;
pub mod convert;
pub mod db;
pub mod delivery;
pub mod error;
pub mod inbox;
pub mod letter;
pub mod mail;
pub mod notification;
pub mod schema;
pub mod smtp;
pub mod templates;
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
use proto::notify::v1::notification_service_server::NotificationServiceServer;
use tokio::sync::Notify;
use tonic::service::Routes;

use crate::{
    api::Api,
    config::Config,
    consumer::{MailEvents, TOPICS},
    delivery::Delivery,
    notification::Retry,
    smtp::Server,
    templates::Templates,
};

/// The schema, embedded.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!();
/// What the shop is called where MAIL_FROM has no name.
const SHOP_NAME: &str = "Shopmesh";

/// What every operation needs. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The service's own database.
    pub database: Database,
    /// Rings when a mail is due.
    pub mails_due: Arc<Notify>,
    /// Rings when an event is in the outbox.
    pub events_waiting: Wakeup,
}

/// Serves until the process is to end.
///
/// # Errors
/// Settings that cannot be used, and what ends a service that cannot go on.
pub async fn run(config: Config, listeners: Listeners, process: Process) -> Result<(), BoxError> {
    let service = Service::load(&config.server, &config.tls, proto::FILE_DESCRIPTOR_SET)?;
    let user_svc = service.channel(&config.token.jwks_url, "USER_SVC_UNAVAILABLE")?;
    let database = Database::open(&config.database, &MIGRATIONS)?;
    let producer = Producer::new(&config.kafka)?;
    let server = Server::new(&config.smtp, config.mail_from.email.domain())?;
    let readiness = server.report_to(producer.report_to(database.readiness()));

    let app = App { database, mails_due: Arc::default(), events_waiting: Wakeup::default() };
    spawn_tasks(&config, &app, server, producer, &process);
    let api = Api { app, page_tokens: PageTokens::load(&config.page.page_token_key_file)? };
    let serving = Serving {
        routes: Routes::new(NotificationServiceServer::new(api)),
        verifier: Verifier::fetching(&config.token, user_svc),
        readiness,
    };
    service.serve(listeners, serving, process).await
}

/// Events in, mails out, events out, and upkeep.
fn spawn_tasks(config: &Config, app: &App, server: Server, producer: Producer, process: &Process) {
    let shutdown = &process.shutdown;
    let from = config.mail_from.clone();
    let shop_name = from.name.clone().unwrap_or_else(|| SHOP_NAME.to_owned());
    let templates = Arc::new(Templates::new(shop_name, config.public_url.clone()));

    process.spawn("consumer", {
        let events = MailEvents { app: app.clone(), templates: templates.clone() };
        let (kafka, producer, shutdown) =
            (config.kafka.clone(), producer.clone(), shutdown.clone());
        let group = config.kafka_group.clone();
        async move { consume(&kafka, &group, &TOPICS, events, producer, shutdown).await }
    });
    let retry = Retry {
        attempts_max: config.delivery.delivery_attempts_max,
        delay_min: config.delivery.retry_seconds_min,
    };
    let delivery = Arc::new(Delivery::new(app.clone(), server, templates, from, retry));
    for _ in 0..config.delivery.delivery_workers {
        let work = delivery::work(delivery.clone(), shutdown.clone());
        process.spawn("delivery", work.map(Ok));
    }
    let relay =
        outbox::relay(app.database.clone(), producer, app.events_waiting.clone(), shutdown.clone());
    process.spawn("relay", relay.map(Ok));
    let upkeep = upkeep::keep(app.database.clone(), shutdown.clone());
    process.spawn("upkeep", upkeep.map(Ok));
}
