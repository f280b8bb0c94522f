//! A notify-svc with its own database for each test. Events are passed to the consumer as
//! records, without Kafka, unless a test sets a broker.

use std::sync::Arc;

use devstack::testing::Env;
use mesh::{channel::Channel, identity::Claims};
use mesh_data::{consumer::Handler, database::Database, kafka::Record, outbox::Wakeup};
use notify_svc::{App, Config, DEFAULTS, MIGRATIONS, consumer::MailEvents, templates::Templates};
use proto::{
    money::from_minor,
    notify::v1::{
        GetDeliveryStatisticsRequest, GetDeliveryStatisticsResponse, GetNotificationRequest,
        ListNotificationsRequest, Notification, NotificationState, ResendNotificationRequest,
        notification_service_client::NotificationServiceClient,
    },
    order::v1::{Address, Order, OrderCreated, OrderItem},
    time::Timestamp,
    topics::Event,
    user::v1::{UserMailRequested, user_mail_requested::Mail},
};
use serde_json::Value;
use tests::{
    database, eventually,
    issuer::Issuer,
    service::{self, InProcess, NO_BROKER},
};
use tonic::Status;
use uuid::Uuid;

/// A running notify-svc.
pub struct Service {
    pub process: InProcess,
    pub config: Config,
    pub app: App,
    pub issuer: Issuer,
    pub admin: Claims,
    pub client: NotificationServiceClient<Channel>,
}

impl Service {
    /// Starts a service that sends to `smtp_url`.
    pub async fn start(smtp_url: &str) -> Self {
        Self::start_with(smtp_url, &[]).await
    }

    /// Starts a service with further settings.
    pub async fn start_with(smtp_url: &str, more: &[(&str, &str)]) -> Self {
        let issuer = Issuer::start().await;
        let database_url = database::create("notify-svc", MIGRATIONS).await;
        let config = config(&database_url, &issuer.jwks_url, smtp_url, more);
        let process = start(&config).await;
        let database = Database::open(&config.settings.database, &MIGRATIONS);
        let app = App::new(database.expect("good settings"), Wakeup::default());
        let channel = process.channel("gateway", proto::FILE_DESCRIPTOR_SET);
        let client = NotificationServiceClient::new(channel);
        Self { process, config, app, admin: issuer.admin(), issuer, client }
    }

    pub fn handler(&self) -> MailEvents {
        let templates = Templates::new("Shopmesh".into(), self.config.public_url.clone());
        MailEvents::new(self.app.clone(), Arc::new(templates))
    }

    /// Receives events as the consumer does.
    pub async fn receive(&self, events: &[Record]) {
        let handler = self.handler();
        let decode = |event| handler.decode(event).expect("the event is valid");
        handler.handle(events.iter().map(decode).collect()).await.expect("the database responds");
    }

    pub async fn list(&self, recipient: &str) -> Vec<Notification> {
        let request = ListNotificationsRequest {
            recipient: recipient.into(),
            page_size: 100,
            ..ListNotificationsRequest::default()
        };
        let request = self.issuer.request(&self.admin, request);
        let response =
            self.client.clone().list_notifications(request).await.expect("the request is valid");
        response.into_inner().notifications
    }

    /// Returns the only notification to `recipient`, with its attempts.
    pub async fn find(&self, recipient: &str) -> Notification {
        let found = self.list(recipient).await;
        assert_eq!(found.len(), 1, "{found:?}");
        let notification_id = found[0].notification_id.clone();
        let request = self.issuer.request(&self.admin, GetNotificationRequest { notification_id });
        let response =
            self.client.clone().get_notification(request).await.expect("the mail exists");
        response.into_inner().notification.expect("a response has the mail")
    }

    /// Waits until the only notification to `recipient` meets `condition`.
    pub async fn until(
        &self,
        recipient: &str,
        condition: impl Fn(&Notification) -> bool,
    ) -> Notification {
        eventually(recipient, async || Some(self.find(recipient).await).filter(&condition)).await
    }

    pub async fn until_state(&self, recipient: &str, state: NotificationState) -> Notification {
        self.until(recipient, |notification| notification.state() == state).await
    }

    pub async fn resend(&self, notification_id: &str) -> Result<Notification, Status> {
        let notification_id = notification_id.to_owned();
        let request = ResendNotificationRequest { notification_id };
        let request = self.issuer.request(&self.admin, request);
        let response = self.client.clone().resend_notification(request).await?.into_inner();
        Ok(response.notification.expect("a response has the mail"))
    }

    /// Makes all pending mails due that no worker has claimed.
    pub async fn make_due(&self) {
        let make_due =
            "UPDATE deliveries SET due_at = now() WHERE state = 'PENDING' AND claim_id IS NULL";
        self.execute(make_due).await;
    }

    /// Waits until the only notification to `recipient` is sent or has failed, without waiting
    /// until its attempts are due. Returns it.
    pub async fn until_final(&self, recipient: &str) -> Notification {
        eventually(recipient, async || {
            self.make_due().await;
            let found = self.find(recipient).await;
            Some(found).filter(|found| found.state() != NotificationState::Pending)
        })
        .await
    }

    /// Returns the report of the readiness checks, if the service is ready.
    pub async fn readiness(&self) -> Option<String> {
        use http_body_util::{BodyExt, Empty};
        use hyper_util::{client::legacy::Client, rt::TokioExecutor};
        let client = Client::builder(TokioExecutor::new()).build_http::<Empty<&'static [u8]>>();
        let url = format!("http://{}/readyz", self.process.admin_address);
        let response = client.get(url.parse().unwrap()).await.expect("the service responds");
        let is_ready = response.status().is_success();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        is_ready.then(|| String::from_utf8_lossy(&body).into_owned())
    }

    /// Waits until the service is ready and its report contains `text`.
    pub async fn until_reported(&self, text: &str) {
        eventually(text, async || {
            self.readiness().await.filter(|report| report.contains(text)).map(drop)
        })
        .await;
    }

    pub async fn statistics(&self) -> GetDeliveryStatisticsResponse {
        let request = self.issuer.request(&self.admin, GetDeliveryStatisticsRequest {});
        let response = self.client.clone().get_delivery_statistics(request).await;
        response.expect("the request is valid").into_inner()
    }

    /// Stops the service and starts another one with the same settings.
    pub async fn restart(self) -> Self {
        self.process.stop().await;
        let process = start(&self.config).await;
        let channel = process.channel("gateway", proto::FILE_DESCRIPTOR_SET);
        let client = NotificationServiceClient::new(channel);
        Self { process, client, ..self }
    }

    /// Returns the number that a query returns.
    pub async fn number(&self, query: &str) -> i64 {
        database::number(&self.app.database, query).await
    }

    /// Executes a statement, to set up what no method can.
    pub async fn execute(&self, statement: &str) {
        database::execute(&self.app.database, statement).await;
    }
}

/// Starts a replica with these settings.
pub async fn start(config: &Config) -> InProcess {
    let config = config.clone();
    InProcess::start(|listeners, process| notify_svc::run(config, listeners, process)).await
}

fn config(database_url: &str, jwks_url: &str, smtp_url: &str, more: &[(&str, &str)]) -> Config {
    let ca = Env::from_env().tls_dir().join("ca.pem").display().to_string();
    let mut settings = vec![
        ("jwks-url", jwks_url),
        ("smtp-url", smtp_url),
        ("smtp-ca-file", &ca),
        ("public-url", "https://shop.example"),
    ];
    let user_svc_url = Env::from_env().service_url(devstack::Service::USER);
    for default in [("kafka-brokers", NO_BROKER), ("user-svc-url", &user_svc_url)] {
        if !more.iter().any(|(setting, _)| *setting == default.0) {
            settings.push(default);
        }
    }
    settings.extend(more);
    service::config("notify-svc", DEFAULTS, database_url, &settings)
}

/// Returns an address that no other test uses.
pub fn someone() -> String {
    format!("{}@example.com", Uuid::now_v7().simple())
}

/// Returns `event` as a record of Kafka.
pub fn record<M: Event>(event: &M) -> Record {
    Record {
        topic: M::TOPIC.into(),
        key: Uuid::now_v7().to_string(),
        message: M::full_name(),
        payload: event.encode_to_vec(),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        headers: Vec::new(),
    }
}

/// Returns an order of two cups and a pot.
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

/// Returns the reply codes of the attempts, oldest first.
pub fn codes(notification: &Notification) -> Vec<i32> {
    notification.attempts.iter().map(|attempt| attempt.reply_code).collect()
}

/// Returns the event that `recipient` has placed an order.
pub fn order_created(recipient: &str) -> Record {
    let event = OrderCreated {
        event_id: Uuid::now_v7().to_string(),
        order: Some(order()),
        customer_email: recipient.into(),
        customer_name: "Ann Möller".into(),
        customer_email_verified: true,
    };
    record(&event)
}

/// Returns the event that the account with the verified address `recipient` gets a mail.
pub fn user_mail(recipient: &str, mail: Mail) -> UserMailRequested {
    UserMailRequested {
        event_id: Uuid::now_v7().to_string(),
        email: recipient.into(),
        display_name: "Ann".into(),
        email_verified: true,
        mail: Some(mail),
        ..UserMailRequested::default()
    }
}

/// Returns a field of a mail as maildev shows it.
pub fn text<'a>(mail: &'a Value, field: &str) -> &'a str {
    mail[field].as_str().unwrap_or_else(|| panic!("no {field} in {mail}"))
}
