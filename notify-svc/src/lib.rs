//! notify-svc owns the mails to customers and their delivery. It learns of orders and
//! accounts only from the events that request a mail.

mod address;
mod api;
mod clients;
pub mod commands;
mod config;
pub mod consumer;
mod content;
mod convert;
pub mod db;
pub mod delivery;
mod error;
mod events;
mod mail;
pub mod notification;
mod schema;
mod smtp;
pub mod templates;
mod upkeep;

use std::{sync::Arc, time::Duration};

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use futures::FutureExt;
use mesh::{BoxError, boot::Process, server::Listeners};
use mesh_data::{database::Database, outbox::Wakeup, service::DataService};
use proto::notify::v1::notification_service_server::NotificationServiceServer;
use tonic::service::Routes;

pub use crate::config::{Config, DEFAULTS};
use crate::{
    api::Api,
    clients::{Links, USER_SVC_UNAVAILABLE},
    consumer::{MailEvents, TOPICS},
    delivery::{
        RetryPolicy,
        composer::Composer,
        pause::{self, Pause},
        results::Results,
        worker::{self, Delivery},
    },
    smtp::Server,
    templates::Templates,
};

/// The schema, embedded.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!();
/// Name of the shop if MAIL_FROM has no display name.
const SHOP_NAME_DEFAULT: &str = "Shopmesh";

/// What every operation needs. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The service's own database.
    pub database: Database,
    /// Wakes a delivery worker when a mail is due.
    mails_due: Wakeup,
    /// Wakes the relay when an event is in the outbox.
    relay: Wakeup,
}

impl App {
    /// Creates an app whose operations notify `relay`.
    pub fn new(database: Database, relay: Wakeup) -> Self {
        Self { database, mails_due: Wakeup::default(), relay }
    }
}

/// Serves until shutdown.
///
/// # Errors
/// Invalid settings, and the failure of a background task.
pub async fn run(config: Config, listeners: Listeners, process: Process) -> Result<(), BoxError> {
    let contract = proto::FILE_DESCRIPTOR_SET;
    let mut service = DataService::load(&config.settings, &MIGRATIONS, contract, process)?;
    let verifier = service.verifier(USER_SVC_UNAVAILABLE)?;
    let links = Links::new(service.channel(&config.user_svc_url, USER_SVC_UNAVAILABLE)?);
    let server = Server::new(&config.smtp, config.mail_from.email.domain())?;
    let pause = Arc::new(Pause::new());
    service.readiness = pause::report_to(&pause, server.report_to(service.readiness));

    let app = App::new(service.database.clone(), service.wakeup.clone());
    spawn_tasks(config, &app, (links, server, pause), &service);
    let api = Api { app, page_tokens: service.page_tokens.clone() };
    let routes = Routes::new(NotificationServiceServer::new(api));
    service.serve(listeners, routes, verifier).await
}

/// Starts the consumer, the delivery workers, the relay and the periodic task.
fn spawn_tasks(
    config: Config,
    app: &App,
    (links, server, pause): (Links, Server, Arc<Pause>),
    service: &DataService,
) {
    let (database, from) = (app.database.clone(), config.mail_from);
    let shop_name = from.name.clone().unwrap_or_else(|| SHOP_NAME_DEFAULT.to_owned());
    let templates = Arc::new(Templates::new(shop_name, config.public_url));

    let events = MailEvents::new(app.clone(), templates.clone());
    service.spawn_consumer(config.kafka_group, &TOPICS, events);

    let retry = RetryPolicy {
        attempts_max: config.delivery.delivery_attempts_max,
        duration_max: Duration::from_hours(config.delivery.retry_hours_max.into()),
        delay_min: config.delivery.retry_seconds_min,
    };
    let results = Results::new(&database, app.relay.clone(), retry, pause.clone());
    let composer = Composer { database: database.clone(), links, templates, from };
    let delivery = Arc::new(Delivery { app: app.clone(), composer, server, results, pause });
    for _ in 0..config.delivery.delivery_workers {
        let worker = worker::run(delivery.clone(), service.process.shutdown.clone());
        service.process.spawn("delivery", worker.map(Ok));
    }

    service.spawn_relay();
    service.process.every("upkeep", upkeep::INTERVAL, move || {
        let database = database.clone();
        async move { upkeep::roll_up(&database).await }
    });
    let database = app.database.clone();
    service.process.every("delivery metrics", upkeep::INTERVAL, move || {
        let database = database.clone();
        async move { upkeep::measure(&database).await }
    });
    upkeep::report_failures(0);
    let retention = config.retention.policy();
    let (database, shutdown) = (app.database.clone(), service.process.shutdown.clone());
    service.process.every("retention", upkeep::RETENTION_INTERVAL, move || {
        let (database, shutdown) = (database.clone(), shutdown.clone());
        async move { upkeep::delete_expired(&database, &retention, &shutdown).await }
    });
}
