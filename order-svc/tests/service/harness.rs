//! An order-svc for one test, with a database of its own, that calls the product-svc of the
//! store.

use devstack::{Service, testing::Env};
use diesel_async::RunQueryDsl;
use mesh::{channel::Channel, identity::Claims};
use mesh_data::{database::Database, outbox::Wakeup};
use order_svc::{
    App, Config, DEFAULTS, MIGRATIONS,
    checkout::InsertResult,
    order::{
        Address, Customer, CustomerId, LineItem, NewOrder, Order, OrderId, OrderRequest, ProductId,
        total_minor,
    },
};
use proto::{
    money::{Money, from_minor},
    order::v1 as pb,
    order::v1::{
        checkout_service_client::CheckoutServiceClient,
        order_admin_service_client::OrderAdminServiceClient,
        order_service_client::OrderServiceClient,
    },
    product::v1::{
        self as product, inventory_service_client::InventoryServiceClient,
        product_service_client::ProductServiceClient,
    },
};
use tests::{
    database,
    issuer::Issuer,
    service::{self, InProcess, channel},
};
use tonic::{Response, Status};
use uuid::Uuid;

/// Returns the URL of an empty database of order-svc.
pub async fn database_url() -> String {
    database::create("order-svc", MIGRATIONS).await
}

pub fn settings(jwks_url: &str) -> Vec<(&'static str, String)> {
    let env = Env::from_env();
    vec![
        ("jwks-url", jwks_url.to_owned()),
        ("kafka-brokers", env.kafka_brokers()),
        // Its own group: the events published here are for the database of this test.
        ("kafka-group", format!("order-svc-{}", Uuid::now_v7())),
        ("product-svc-url", env.service_url(Service::PRODUCT)),
    ]
}

fn config(database_url: &str, jwks_url: &str) -> Config {
    let settings = settings(jwks_url);
    let more: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    service::config("order-svc", DEFAULTS, database_url, &more)
}

/// A running order-svc and its clients, as the gateway and product-svc call it.
pub struct Shop {
    pub issuer: Issuer,
    pub config: Config,
    service: Option<InProcess>,
    pub admin: Claims,
    pub customer: Claims,
    pub orders: OrderServiceClient<Channel>,
    pub all_orders: OrderAdminServiceClient<Channel>,
    pub checkouts: CheckoutServiceClient<Channel>,
}

impl Shop {
    pub async fn open() -> Self {
        let mut shop = Self::closed().await;
        shop.restart(&shop.config.clone()).await;
        shop
    }

    /// Opens without a running service.
    pub async fn closed() -> Self {
        let issuer = Issuer::start().await;
        let config = config(&database_url().await, &issuer.jwks_url);
        let unavailable = channel("gateway", "https://localhost:1", proto::FILE_DESCRIPTOR_SET);
        Self {
            admin: issuer.admin(),
            customer: issuer.customer(),
            orders: OrderServiceClient::new(unavailable.clone()),
            all_orders: OrderAdminServiceClient::new(unavailable.clone()),
            checkouts: CheckoutServiceClient::new(unavailable),
            service: None,
            config,
            issuer,
        }
    }

    /// Serves with `config`.
    pub async fn restart(&mut self, config: &Config) {
        let running = config.clone();
        let service =
            InProcess::start(|listeners, process| order_svc::run(running, listeners, process));
        self.service = Some(service.await);
        self.orders = OrderServiceClient::new(self.channel("gateway"));
        self.all_orders = OrderAdminServiceClient::new(self.channel("gateway"));
        self.checkouts = CheckoutServiceClient::new(self.channel("product-svc"));
    }

    /// Returns a channel to the service as `caller`.
    pub fn channel(&self, caller: &str) -> Channel {
        self.service.as_ref().unwrap().channel(caller, proto::FILE_DESCRIPTOR_SET)
    }

    pub async fn place(
        &self,
        customer: &Claims,
        request: pb::PlaceOrderRequest,
    ) -> Result<pb::PlaceOrderResponse, Status> {
        let request = self.issuer.request(customer, request);
        self.orders.clone().place_order(request).await.map(Response::into_inner)
    }

    pub async fn get(&self, customer: &Claims, order_id: &str) -> Result<pb::Order, Status> {
        let request = pb::GetOrderRequest { order_id: order_id.into() };
        let response = self.orders.clone().get_order(self.issuer.request(customer, request)).await;
        response.map(|response| response.into_inner().order.unwrap())
    }

    pub async fn cancel(&self, customer: &Claims, order_id: &str) -> Result<pb::Order, Status> {
        let request =
            self.issuer.request(customer, pb::CancelOrderRequest { order_id: order_id.into() });
        let response = self.orders.clone().cancel_order(request).await;
        response.map(|response| response.into_inner().order.unwrap())
    }

    pub async fn ship(&self, order_id: &str) -> Result<pb::Order, Status> {
        let request = pb::ShipOrderRequest { order_id: order_id.into() };
        let request = self.issuer.request(&self.admin, request);
        let response = self.all_orders.clone().ship_order(request).await;
        response.map(|response| response.into_inner().order.unwrap())
    }

    pub async fn list_all(
        &self,
        request: pb::ListAllOrdersRequest,
    ) -> Result<pb::ListAllOrdersResponse, Status> {
        let request = self.issuer.request(&self.admin, request);
        self.all_orders.clone().list_all_orders(request).await.map(Response::into_inner)
    }

    /// Returns what operations need, on the database of the running service.
    pub fn app(&self) -> App {
        app(&self.config)
    }
}

/// Returns what the operations of another replica need, without its server.
pub fn app(config: &Config) -> App {
    let database = Database::open(&config.settings.database, &MIGRATIONS).unwrap();
    let unavailable = channel("order-svc", "https://localhost:1", proto::FILE_DESCRIPTOR_SET);
    App::new(database, unavailable, "EUR", config.unverified_max(), Wakeup::default())
}

/// Returns what operations need, on a database of their own and without a server.
pub async fn app_alone() -> App {
    app(&config(&database_url().await, "https://localhost:1/"))
}

/// Executes SQL.
pub async fn execute(app: &App, sql: &str) -> usize {
    let mut connection = app.database.connection().await.unwrap();
    diesel::sql_query(sql).execute(&mut connection).await.unwrap()
}

/// Returns the number that an SQL expression evaluates to.
pub async fn number(app: &App, expression: &str) -> i64 {
    database::number(&app.database, expression).await
}

pub fn eur(minor: i64) -> Money {
    from_minor(minor, "EUR")
}

pub fn address() -> pb::Address {
    pb::Address {
        full_name: "Pat Example".into(),
        street: "Long Street 1".into(),
        city: "Berlin".into(),
        postal_code: "10115".into(),
        country_code: "DE".into(),
    }
}

pub fn request(items: &[(&str, i32)]) -> pb::PlaceOrderRequest {
    let items = items.iter().map(|&(product_id, quantity)| pb::PlaceOrderItem {
        product_id: product_id.into(),
        quantity,
    });
    pb::PlaceOrderRequest {
        request_id: Uuid::now_v7().to_string(),
        items: items.collect(),
        shipping_address: Some(address()),
        ..pb::PlaceOrderRequest::default()
    }
}

pub fn product_id(n: u8) -> ProductId {
    ProductId(Uuid::from_bytes([n; 16]))
}

/// Returns an order for the writer, without product-svc: for each item a product number and
/// a quantity, at 2.50 each.
pub fn new_order(customer: &Claims, items: &[(u8, i32)]) -> NewOrder {
    let request_id = Uuid::now_v7();
    let customer = Customer {
        id: CustomerId(customer.sub),
        email: customer.email.clone().unwrap_or_default(),
        email_verified: customer.email_verified,
        name: customer.name.clone(),
    };
    let items: Vec<_> = items
        .iter()
        .map(|&(n, quantity)| LineItem {
            product_id: product_id(n),
            name: format!("Product {n}"),
            quantity,
            price_minor: 250,
        })
        .collect();
    let pb::Address { full_name, street, city, postal_code, country_code } = address();
    let request = OrderRequest {
        items: items.iter().map(|item| (item.product_id, item.quantity)).collect(),
        shipping_address: Address { full_name, street, city, postal_code, country_code },
        ..OrderRequest::default()
    };
    NewOrder {
        id: OrderId::derive(customer.id, request_id),
        request_id,
        fingerprint: request.fingerprint(),
        customer,
        total_minor: total_minor(&items).unwrap(),
        items,
        request,
        traceparent: None,
    }
}

/// Inserts an order whose id is free.
pub async fn insert(app: &App, order: NewOrder) -> Order {
    match app.order_writer.insert(order).await.unwrap() {
        InsertResult::Inserted(order) => order,
        other => panic!("{other:?}"),
    }
}

/// The product-svc of the store, called as the gateway does for an admin.
pub struct Stock {
    admin: Claims,
    products: ProductServiceClient<Channel>,
    inventory: InventoryServiceClient<Channel>,
}

impl Stock {
    pub fn of(shop: &Shop) -> Self {
        let url = Env::from_env().service_url(Service::PRODUCT);
        let gateway = channel("gateway", &url, proto::FILE_DESCRIPTOR_SET);
        Self {
            admin: shop.admin.clone(),
            products: ProductServiceClient::new(gateway.clone()),
            inventory: InventoryServiceClient::new(gateway),
        }
    }

    /// Creates a product that costs 2.50.
    pub async fn product(&mut self, issuer: &Issuer, name: &str, on_hand: i32) -> String {
        let product = product::Product {
            sku: Uuid::now_v7().simple().to_string(),
            slug: format!("{}-{}", name.to_lowercase(), Uuid::now_v7().simple()),
            name: name.into(),
            description: "A drinking vessel.".into(),
            category: "kitchen".into(),
            price: Some(eur(250)),
            ..product::Product::default()
        };
        let request =
            product::CreateProductRequest { product: Some(product), request_id: String::new() };
        let request = issuer.request(&self.admin, request);
        let response = self.products.create_product(request).await.unwrap().into_inner();
        let id = response.product.unwrap().product_id;
        let request = product::UpdateInventoryRequest {
            product_id: id.clone(),
            change: Some(product::update_inventory_request::Change::SetOnHand(on_hand)),
            reason: product::InventoryReason::Received.into(),
            request_id: Uuid::now_v7().to_string(),
            ..product::UpdateInventoryRequest::default()
        };
        self.inventory.update_inventory(issuer.request(&self.admin, request)).await.unwrap();
        id
    }

    pub async fn set_price(&mut self, issuer: &Issuer, product_id: &str, minor: i64) {
        let product = product::Product {
            product_id: product_id.into(),
            price: Some(eur(minor)),
            ..product::Product::default()
        };
        let mask = prost_types::FieldMask { paths: vec!["price".into()] };
        let request =
            product::UpdateProductRequest { product: Some(product), update_mask: Some(mask) };
        self.products.update_product(issuer.request(&self.admin, request)).await.unwrap();
    }

    /// Returns `on_hand` and `held`.
    pub async fn read(&self, issuer: &Issuer, product_id: &str) -> (i32, i32) {
        let request = product::GetInventoryRequest { product_id: product_id.into() };
        let request = issuer.request(&self.admin, request);
        let response = self.inventory.clone().get_inventory(request).await.unwrap();
        let inventory = response.into_inner().inventory.unwrap();
        (inventory.on_hand, inventory.held)
    }

    /// Waits until `on_hand` and `held` are `stock`.
    pub async fn becomes(&self, issuer: &Issuer, product_id: &str, stock: (i32, i32)) {
        let what = format!("{} on hand, {} held", stock.0, stock.1);
        tests::eventually(&what, async || {
            (self.read(issuer, product_id).await == stock).then_some(())
        })
        .await;
    }
}
