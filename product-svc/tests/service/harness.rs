//! A product-svc of a test's own, with a database of its own, beside the order-svc of the store.

use devstack::testing::Env;
use mesh::{channel::Channel, identity::Claims};
use mesh_data::database::Database;
use product_svc::{
    MIGRATIONS,
    config::{Config, DEFAULTS},
};
use proto::{
    money::Money,
    product::v1::{
        CreateProductRequest, GetInventoryRequest, InventoryReason, ListInventoryChangesRequest,
        Product, ReserveStockItem, ReserveStockRequest, ReserveStockResponse,
        UpdateInventoryRequest, inventory_service_client::InventoryServiceClient,
        product_service_client::ProductServiceClient,
        reservation_service_client::ReservationServiceClient, update_inventory_request::Change,
    },
};
use tests::{
    database,
    issuer::Issuer,
    service::{self, InProcess, channel},
};
use tonic::{Response, Status};
use uuid::Uuid;

/// The settings of a product-svc in a test, beside those of `tests::service::arguments`.
pub fn settings(jwks_url: &str) -> Vec<(&'static str, String)> {
    vec![
        ("jwks-url", jwks_url.to_owned()),
        ("kafka-brokers", Env::from_env().kafka_brokers()),
        // A group of its own, so that the test takes no event from the product-svc of the store.
        ("kafka-group", format!("product-svc-{}", Uuid::now_v7())),
        ("order-svc-url", "https://localhost:1".to_owned()),
    ]
}

fn config(database_url: &str, jwks_url: &str) -> Config {
    let settings = settings(jwks_url);
    let more: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    service::config("product-svc", DEFAULTS, database_url, &more)
}

/// Runs a product-svc within the test.
pub async fn run(config: &Config) -> InProcess {
    let config = config.clone();
    InProcess::start(|listeners, process| product_svc::run(config, listeners, process)).await
}

/// A running product-svc and its clients, as the gateway and order-svc call it.
pub struct Shop {
    pub config: Config,
    pub issuer: Issuer,
    pub admin: Claims,
    pub customer: Claims,
    pub products: ProductServiceClient<Channel>,
    pub inventory: InventoryServiceClient<Channel>,
    pub reservations: ReservationServiceClient<Channel>,
    service: Option<InProcess>,
}

impl Shop {
    pub async fn open() -> Self {
        let mut shop = Self::closed().await;
        shop.restart(&shop.config.clone()).await;
        shop
    }

    /// Opens a shop whose database knows the letters of `ctype`.
    pub async fn with_ctype(ctype: &str) -> Self {
        let url = database::create_with_ctype("product-svc", MIGRATIONS, ctype).await;
        let mut shop = Self::with_database(&url).await;
        shop.restart(&shop.config.clone()).await;
        shop
    }

    /// Prepares a shop whose service does not run.
    pub async fn closed() -> Self {
        Self::with_database(&database::create("product-svc", MIGRATIONS).await).await
    }

    async fn with_database(url: &str) -> Self {
        let issuer = Issuer::start().await;
        let nobody = channel("gateway", "https://localhost:1", proto::FILE_DESCRIPTOR_SET);
        Self {
            config: config(url, &issuer.jwks_url),
            admin: issuer.admin(),
            customer: issuer.customer(),
            products: ProductServiceClient::new(nobody.clone()),
            inventory: InventoryServiceClient::new(nobody.clone()),
            reservations: ReservationServiceClient::new(nobody),
            service: None,
            issuer,
        }
    }

    /// Runs the service with other settings.
    pub async fn restart(&mut self, config: &Config) {
        self.service = Some(run(config).await);
        let (gateway, order_svc) = (self.channel("gateway"), self.channel("order-svc"));
        self.connect(gateway, order_svc);
    }

    /// Calls another replica from now on.
    pub fn connect(&mut self, gateway: Channel, order_svc: Channel) {
        self.products = ProductServiceClient::new(gateway.clone());
        self.inventory = InventoryServiceClient::new(gateway);
        self.reservations = ReservationServiceClient::new(order_svc);
    }

    /// Returns a channel to the service as `caller`.
    pub fn channel(&self, caller: &str) -> Channel {
        let service = self.service.as_ref().expect("the service runs");
        service.channel(caller, proto::FILE_DESCRIPTOR_SET)
    }

    /// Stops the service.
    pub async fn stop(&mut self) {
        self.service.take().expect("the service runs").stop().await;
    }

    pub fn database(&self) -> Database {
        Database::open(&self.config.settings.database, &MIGRATIONS).expect("good settings")
    }

    /// Creates a product at 2.50 with `on_hand` units.
    pub async fn product(&mut self, name: &str, on_hand: i32) -> Product {
        let product = Product {
            sku: Uuid::now_v7().simple().to_string(),
            slug: Uuid::now_v7().to_string(),
            name: name.into(),
            description: "A thing to drink from.".into(),
            category: "kitchen".into(),
            price: Some(eur(250)),
            ..Product::default()
        };
        let request = CreateProductRequest { product: Some(product), request_id: String::new() };
        let request = self.issuer.request(&self.admin, request);
        let product = self.products.create_product(request).await.expect("it is good").into_inner();
        let product = product.product.expect("a response has it");
        self.set_on_hand(&product.product_id, on_hand).await;
        product
    }

    pub async fn set_on_hand(&mut self, product_id: &str, on_hand: i32) {
        let request = UpdateInventoryRequest {
            product_id: product_id.into(),
            change: Some(Change::SetOnHand(on_hand)),
            reason: InventoryReason::Received.into(),
            request_id: Uuid::now_v7().to_string(),
            ..UpdateInventoryRequest::default()
        };
        let request = self.issuer.request(&self.admin, request);
        self.inventory.update_inventory(request).await.expect("it is good");
    }

    /// Holds `items` for an order. The fingerprint is made of `body`.
    pub async fn reserve(
        &self,
        order_id: Uuid,
        body: u8,
        items: &[(&str, i32)],
    ) -> Result<ReserveStockResponse, Status> {
        let request = reserve(order_id, body, items);
        self.reservations.clone().reserve_stock(request).await.map(Response::into_inner)
    }

    /// Returns `on_hand`, `held` and the sum of the ledger.
    pub async fn stock(&self, product_id: &str) -> (i32, i32, i32) {
        let mut client = self.inventory.clone();
        let request = GetInventoryRequest { product_id: product_id.into() };
        let request = self.issuer.request(&self.admin, request);
        let response = client.get_inventory(request).await.expect("it exists");
        let inventory = response.into_inner().inventory.expect("a response has it");
        let request = ListInventoryChangesRequest {
            product_id: product_id.into(),
            page_size: 100,
            page_token: String::new(),
        };
        let request = self.issuer.request(&self.admin, request);
        let changes = client.list_inventory_changes(request).await.expect("it exists");
        let ledger = changes.into_inner().changes.iter().map(|change| change.delta).sum();
        (inventory.on_hand, inventory.held, ledger)
    }
}

pub fn eur(minor: i64) -> Money {
    proto::money::from_minor(minor, "EUR")
}

/// Returns a request to hold `items`, with a fingerprint of `body`.
pub fn reserve(order_id: Uuid, body: u8, items: &[(&str, i32)]) -> ReserveStockRequest {
    let items = items.iter().map(|&(product_id, quantity)| ReserveStockItem {
        product_id: product_id.into(),
        quantity,
    });
    ReserveStockRequest {
        order_id: order_id.to_string(),
        fingerprint: vec![body; 32],
        items: items.collect(),
        expected_total: None,
    }
}
