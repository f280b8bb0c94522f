//! A product-svc of a test's own, with a database of its own.

use mesh::{channel::Channel, config::try_parse, identity::Claims};
use mesh_data::database::migrate;
use product_svc::{
    MIGRATIONS,
    config::{Config, DEFAULTS},
};
use proto::money::Money;
use proto::product::v1::{
    CreateProductRequest, InventoryReason, Product, ReserveStockItem, ReserveStockRequest,
    UpdateInventoryRequest, inventory_service_client::InventoryServiceClient,
    product_service_client::ProductServiceClient,
    reservation_service_client::ReservationServiceClient, update_inventory_request::Change,
};
use tests::{
    issuer::Issuer,
    service::{InProcess, arguments},
};
use uuid::Uuid;

/// A running product-svc and its clients, as the gateway and order-svc call it.
pub struct Shop {
    pub service: InProcess,
    pub config: Config,
    pub issuer: Issuer,
    pub admin: Claims,
    pub products: ProductServiceClient<Channel>,
    pub inventory: InventoryServiceClient<Channel>,
    pub reservations: ReservationServiceClient<Channel>,
}

impl Shop {
    pub async fn open() -> Self {
        let issuer = Issuer::start().await;
        let url = devstack::testing::template_database("product-svc", |url| async move {
            let config = config(&url, "https://localhost:1/");
            migrate(&config.database, MIGRATIONS).await
        })
        .await;
        let config = config(&url, &issuer.jwks_url);
        let running = config.clone();
        let service =
            InProcess::start(|listeners, process| product_svc::run(running, listeners, process))
                .await;
        let gateway = service.channel("gateway", proto::FILE_DESCRIPTOR_SET);
        let order_svc = service.channel("order-svc", proto::FILE_DESCRIPTOR_SET);
        Self {
            config,
            admin: issuer.admin(),
            products: ProductServiceClient::new(gateway.clone()),
            inventory: InventoryServiceClient::new(gateway),
            reservations: ReservationServiceClient::new(order_svc),
            service,
            issuer,
        }
    }

    /// A product of 2.50 with so many on hand.
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

    /// `on_hand`, `held` and the sum of the ledger.
    pub async fn stock(&mut self, product_id: &str) -> (i32, i32, i32) {
        use proto::product::v1::{GetInventoryRequest, ListInventoryChangesRequest};
        let request = GetInventoryRequest { product_id: product_id.into() };
        let request = self.issuer.request(&self.admin, request);
        let response = self.inventory.get_inventory(request).await.expect("it is there");
        let inventory = response.into_inner().inventory.expect("a response has it");
        let request = ListInventoryChangesRequest {
            product_id: product_id.into(),
            page_size: 100,
            page_token: String::new(),
        };
        let request = self.issuer.request(&self.admin, request);
        let changes = self.inventory.list_inventory_changes(request).await.expect("it is there");
        let ledger = changes.into_inner().changes.iter().map(|change| change.delta).sum();
        (inventory.on_hand, inventory.held, ledger)
    }
}

fn config(database_url: &str, jwks_url: &str) -> Config {
    let brokers = devstack::testing::Env::from_env().kafka_brokers();
    let key = page_token_key();
    let more = [
        ("jwks-url", jwks_url),
        ("kafka-brokers", &brokers),
        ("page-token-key-file", &key),
        ("order-svc-url", "https://localhost:1"),
    ];
    try_parse(DEFAULTS, arguments("product-svc", database_url, &more)).expect("good settings")
}

fn page_token_key() -> String {
    let file = std::env::temp_dir().join(format!("page-token-key-{}", Uuid::now_v7()));
    std::fs::write(&file, "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=").expect("a folder");
    file.display().to_string()
}

pub fn eur(minor: i64) -> Money {
    proto::money::from_minor(minor, "EUR")
}

/// A request to hold `items`, with a fingerprint of `body`.
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
