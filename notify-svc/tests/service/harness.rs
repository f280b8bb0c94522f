//! A notify-svc of a test's own, with a database of its own. Events come as records,
//! past Kafka, unless a test says otherwise.

use std::sync::Arc;

use devstack::testing::{Env, template_database};
use mesh::{channel::Channel, config::try_parse, identity::Claims};
use mesh_data::{
    consumer::Handler,
    database::{Database, migrate},
    kafka::Record,
    outbox::Wakeup,
};
use notify_svc::{App, Config, DEFAULTS, MIGRATIONS, consumer::MailEvents, templates::Templates};
use prost::{Message, Name};
use proto::{
    money::from_minor,
    notify::v1::{
        GetDeliveryStatisticsRequest, GetDeliveryStatisticsResponse, GetNotificationRequest,
        ListNotificationsRequest, Notification, NotificationState, ResendNotificationRequest,
        notification_service_client::NotificationServiceClient,
    },
    order::v1::{Address, Order, OrderCreated, OrderItem},
    time::Timestamp,
};
use tests::{
    eventually,
    issuer::Issuer,
    service::{InProcess, arguments},
};
use tonic::Status;
use uuid::Uuid;

/// Nothing answers there.
pub const NOWHERE: &str = "127.0.0.1:1";

/// A running notify-svc and what a test needs of it.
pub struct Desk {
    pub service: InProcess,
    pub config: Config,
    pub app: App,
    pub issuer: Issuer,
    pub admin: Claims,
    pub client: NotificationServiceClient<Channel>,
}

impl Desk {
    /// A desk that sends to `smtp_url`.
    pub async fn open(smtp_url: &str) -> Self {
        Self::open_with(smtp_url, &[]).await
    }

    /// A desk with further settings.
    pub async fn open_with(smtp_url: &str, more: &[(&str, &str)]) -> Self {
        let issuer = Issuer::start().await;
        let database_url = template_database("notify-svc", |url| async move {
            migrate(
                &config(&url, "https://localhost:1/", "smtp://localhost", &[]).settings.database,
                MIGRATIONS,
            )
            .await
        })
        .await;
        let config = config(&database_url, &issuer.jwks_url, smtp_url, more);
        let service = start(&config).await;
        let database = Database::open(&config.settings.database, &MIGRATIONS);
        let app = App::new(database.expect("good settings"), Wakeup::default());
        let channel = service.channel("gateway", proto::FILE_DESCRIPTOR_SET);
        let client = NotificationServiceClient::new(channel);
        Self { service, config, app, admin: issuer.admin(), issuer, client }
    }

    pub fn handler(&self) -> MailEvents {
        let templates = Templates::new("Shopmesh".into(), self.config.public_url.clone());
        MailEvents::new(self.app.clone(), Arc::new(templates))
    }

    /// Takes in events, as the consumer would.
    pub async fn receive(&self, events: &[Record]) {
        let handler = self.handler();
        let read = |event| handler.decode(event).expect("it can be read");
        handler.handle(events.iter().map(read).collect()).await.expect("the database is there");
    }

    pub async fn list(&self, recipient: &str) -> Vec<Notification> {
        let request = ListNotificationsRequest {
            recipient: recipient.into(),
            page_size: 100,
            ..ListNotificationsRequest::default()
        };
        let request = self.issuer.request(&self.admin, request);
        let response = self.client.clone().list_notifications(request).await.expect("it is good");
        response.into_inner().notifications
    }

    /// The one notification for `recipient`, with its attempts.
    pub async fn find(&self, recipient: &str) -> Notification {
        let found = self.list(recipient).await;
        assert_eq!(found.len(), 1, "{found:?}");
        let notification_id = found[0].notification_id.clone();
        let request = self.issuer.request(&self.admin, GetNotificationRequest { notification_id });
        let response = self.client.clone().get_notification(request).await.expect("it is there");
        response.into_inner().notification.expect("a response has it")
    }

    /// Waits until the one notification for `recipient` is as `good` says.
    pub async fn until(
        &self,
        recipient: &str,
        good: impl Fn(&Notification) -> bool,
    ) -> Notification {
        eventually(recipient, async || Some(self.find(recipient).await).filter(&good)).await
    }

    pub async fn until_state(&self, recipient: &str, state: NotificationState) -> Notification {
        self.until(recipient, |notification| notification.state() == state).await
    }

    pub async fn resend(&self, notification_id: &str) -> Result<Notification, Status> {
        let notification_id = notification_id.to_owned();
        let request = ResendNotificationRequest { notification_id };
        let request = self.issuer.request(&self.admin, request);
        let response = self.client.clone().resend_notification(request).await?.into_inner();
        Ok(response.notification.expect("a response has it"))
    }

    pub async fn statistics(&self) -> GetDeliveryStatisticsResponse {
        let request = self.issuer.request(&self.admin, GetDeliveryStatisticsRequest {});
        let response = self.client.clone().get_delivery_statistics(request).await;
        response.expect("it is good").into_inner()
    }

    /// Executes a statement, for what only a database can be made to look like.
    pub async fn execute(&self, statement: &str) {
        execute(&self.app, statement).await;
    }
}

/// Executes a statement in the database of `app`.
pub async fn execute(app: &App, statement: &str) {
    use diesel_async::RunQueryDsl;
    let mut connection = app.database.connection().await.expect("it is there");
    diesel::sql_query(statement).execute(&mut connection).await.expect("it is SQL");
}

/// A replica with these settings.
pub async fn start(config: &Config) -> InProcess {
    let config = config.clone();
    InProcess::start(|listeners, process| notify_svc::run(config, listeners, process)).await
}

fn config(database_url: &str, jwks_url: &str, smtp_url: &str, more: &[(&str, &str)]) -> Config {
    let key = std::env::temp_dir().join(format!("page-token-key-{}", Uuid::now_v7()));
    std::fs::write(&key, "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=").expect("a folder");
    let key = key.display().to_string();
    let ca = Env::from_env().tls_dir().join("ca.pem").display().to_string();
    let mut settings = vec![
        ("jwks-url", jwks_url),
        ("page-token-key-file", &key),
        ("smtp-url", smtp_url),
        ("smtp-ca-file", &ca),
        ("public-url", "https://shop.example"),
    ];
    if !more.iter().any(|(setting, _)| *setting == "kafka-brokers") {
        settings.push(("kafka-brokers", NOWHERE));
    }
    settings.extend(more);
    let arguments = arguments("notify-svc", database_url, &settings);
    try_parse(DEFAULTS, arguments).expect("good settings")
}

/// An address that no other test uses.
pub fn someone() -> String {
    format!("{}@example.com", Uuid::now_v7().simple())
}

/// `event` as Kafka would bring it.
pub fn record<M: Message + Name>(topic: &str, event: &M) -> Record {
    Record {
        topic: topic.into(),
        key: Uuid::now_v7().to_string(),
        message: M::full_name(),
        payload: event.encode_to_vec(),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        headers: Vec::new(),
    }
}

/// An order of two cups and a pot.
pub fn order() -> Order {
    let item = |name: &str, quantity, minor| OrderItem {
        product_id: Uuid::now_v7().to_string(),
        name: name.into(),
        quantity,
        price: Some(from_minor(minor, "EUR")),
    };
    Order {
        order_id: Uuid::new_v4().to_string(),
        items: vec![item("Enamel cup, 300 ml", 2, 1250), item("Tea pot «Möwe»", 1, 119_900)],
        total: Some(from_minor(122_400, "EUR")),
        shipping_address: Some(Address {
            full_name: "Ann Möller".into(),
            street: "Hafenstraße 12".into(),
            city: "Kiel".into(),
            postal_code: "24103".into(),
            country_code: "DE".into(),
        }),
        create_time: Some(Timestamp { seconds: 1_795_000_000, nanos: 0 }),
        ..Order::default()
    }
}

/// An order of `recipient` was placed.
pub fn order_created(recipient: &str) -> Record {
    let event = OrderCreated {
        event_id: Uuid::now_v7().to_string(),
        order: Some(order()),
        customer_email: recipient.into(),
        customer_name: "Ann Möller".into(),
    };
    record("order-created", &event)
}
