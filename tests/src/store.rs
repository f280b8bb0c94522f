//! A client of the running store: through the gateway, by gRPC or gRPC-Web, as a customer or an
//! admin. Its mails are in [`crate::mailbox`].

use std::{collections::HashMap, fmt, str::FromStr};

use bytes::{Buf, BufMut, Bytes};
use devstack::{Login, Stack, testing::Env};
use http::{Request, Response, Uri};
use hyper_util::{client::legacy::Client as HttpClient, rt::TokioExecutor};
use mesh::BoxError;
use proto::{
    order::v1::{
        Address, GetOrderRequest, MailState, Order, PlaceOrderItem, PlaceOrderRequest,
        order_admin_service_client::OrderAdminServiceClient,
        order_service_client::OrderServiceClient,
    },
    product::v1::{
        CreateProductRequest, GetInventoryRequest, Inventory, InventoryReason, Product,
        UpdateInventoryRequest, inventory_service_client::InventoryServiceClient,
        product_service_client::ProductServiceClient, update_inventory_request::Change,
    },
    user::v1::{LoginRequest, SignUpRequest, User, user_service_client::UserServiceClient},
};
use tonic::{
    Status,
    body::Body,
    client::GrpcService,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};
use tower::{ServiceExt, util::BoxCloneService};
use uuid::Uuid;

use crate::{eventually, issuer::with_token};

/// Password of every account that a test creates.
pub const PASSWORD: &str = "correct horse battery staple";

/// The protocol between a client and the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC on HTTP/2.
    Grpc,
    /// gRPC-Web on HTTP/1.1, like a browser.
    GrpcWeb,
}

/// A channel to the gateway, by any protocol.
pub type Channel = BoxCloneService<Request<Body>, Response<Body>, BoxError>;

/// Returns a channel to a gateway.
///
/// # Panics
/// If the URL is invalid.
pub fn channel(gateway_url: &str, protocol: Protocol) -> Channel {
    match protocol {
        Protocol::Grpc => {
            let endpoint =
                tonic::transport::Endpoint::from_str(gateway_url).expect("the URL is valid");
            BoxCloneService::new(endpoint.connect_lazy().map_err(BoxError::from))
        }
        Protocol::GrpcWeb => {
            let http = HttpClient::builder(TokioExecutor::new()).build_http();
            let origin = Uri::from_str(gateway_url).expect("the URL is valid");
            let client = tonic_web::GrpcWebClientService::new(http)
                .map_request(move |mut request: Request<Body>| {
                    let mut parts = request.uri().clone().into_parts();
                    parts.scheme = origin.scheme().cloned();
                    parts.authority = origin.authority().cloned();
                    *request.uri_mut() = Uri::from_parts(parts).expect("a path and an origin");
                    request
                })
                .map_response(|response| response.map(Body::new))
                .map_err(BoxError::from);
            BoxCloneService::new(client)
        }
    }
}

/// A store, seen through its gateway.
#[derive(Clone)]
pub struct Store {
    /// The channel to the gateway.
    pub channel: Channel,
    /// The URL of the mailbox.
    pub mailbox_url: String,
    /// The account of the admin.
    pub admin_login: Login,
}

/// A client of the store with its access token.
#[derive(Debug, Clone)]
pub struct Person {
    /// The account.
    pub user: User,
    /// The access token.
    pub token: String,
}

impl Person {
    /// Returns a request with the access token.
    pub fn request<T>(&self, message: T) -> tonic::Request<T> {
        with_token(&self.token, message)
    }
}

impl Store {
    /// Returns the store that runs around this test.
    ///
    /// # Panics
    /// If no store runs.
    pub fn shared(protocol: Protocol) -> Self {
        let env = Env::from_env();
        Self {
            channel: channel(&env.gateway_url(), protocol),
            mailbox_url: env.mailbox_url(),
            admin_login: env.admin(),
        }
    }

    /// Returns a store that the test itself started, by gRPC.
    ///
    /// # Panics
    /// If it has no gateway or no mailbox.
    pub fn of(stack: &Stack) -> Self {
        let exports: HashMap<_, _> =
            stack.exports().expect("the store is started").into_iter().collect();
        Self {
            channel: channel(&exports["GATEWAY_URL"], Protocol::Grpc),
            mailbox_url: exports["MAILBOX_URL"].clone(),
            admin_login: Login {
                email: exports["ADMIN_EMAIL"].clone(),
                password: exports["ADMIN_PASSWORD"].clone(),
            },
        }
    }

    /// Returns a client of the accounts.
    pub fn users(&self) -> UserServiceClient<Channel> {
        UserServiceClient::new(self.channel.clone())
    }

    /// Returns a client of the catalogue.
    pub fn products(&self) -> ProductServiceClient<Channel> {
        ProductServiceClient::new(self.channel.clone())
    }

    /// Returns a client of the stock.
    pub fn inventory(&self) -> InventoryServiceClient<Channel> {
        InventoryServiceClient::new(self.channel.clone())
    }

    /// Returns a client of a customer's own orders.
    pub fn orders(&self) -> OrderServiceClient<Channel> {
        OrderServiceClient::new(self.channel.clone())
    }

    /// Returns a client of all orders.
    pub fn all_orders(&self) -> OrderAdminServiceClient<Channel> {
        OrderAdminServiceClient::new(self.channel.clone())
    }

    /// Signs up a new customer and logs in.
    ///
    /// # Panics
    /// If a call fails.
    pub async fn customer(&self) -> Person {
        let email = format!("pat.{}@example.com", Uuid::now_v7().simple());
        sign_up(self.channel.clone(), &email).await.expect("a new address can sign up")
    }

    /// Logs in as the admin of the demo.
    ///
    /// # Panics
    /// If a call fails.
    pub async fn admin(&self) -> Person {
        let Login { email, password } = &self.admin_login;
        self.log_in(email, password).await.expect("the admin exists")
    }

    /// Logs in.
    ///
    /// # Errors
    /// The status of the call.
    pub async fn log_in(&self, email: &str, password: &str) -> Result<Person, Status> {
        log_in(self.users(), email, password).await
    }

    /// Creates a product with this price in cents and this stock on hand.
    ///
    /// # Panics
    /// If a call fails.
    pub async fn product(&self, admin: &Person, price_minor: i64, on_hand: i32) -> Product {
        let id = Uuid::now_v7().simple().to_string();
        let product = Product {
            sku: id.clone(),
            slug: format!("test-{id}"),
            name: format!("Test cup {}", &id[24..]),
            description: "A cup of a test.".into(),
            category: "tests".into(),
            price: Some(proto::money::from_minor(price_minor, "EUR")),
            ..Product::default()
        };
        let request = CreateProductRequest { product: Some(product), request_id: String::new() };
        let created = self.products().create_product(admin.request(request)).await;
        let product =
            created.expect("the product is valid").into_inner().product.expect("a response has it");
        self.set_on_hand(admin, &product.product_id, on_hand).await;
        product
    }

    /// Sets the stock on hand.
    ///
    /// # Panics
    /// If a call fails.
    pub async fn set_on_hand(&self, admin: &Person, product_id: &str, on_hand: i32) {
        let request = UpdateInventoryRequest {
            product_id: product_id.into(),
            change: Some(Change::SetOnHand(on_hand)),
            reason: InventoryReason::Received.into(),
            request_id: Uuid::now_v7().to_string(),
            ..UpdateInventoryRequest::default()
        };
        let updated = self.inventory().update_inventory(admin.request(request)).await;
        updated.expect("the change is valid");
    }

    /// Returns the stock of a product.
    ///
    /// # Panics
    /// If a call fails.
    pub async fn stock(&self, admin: &Person, product_id: &str) -> Inventory {
        let request = admin.request(GetInventoryRequest { product_id: product_id.into() });
        let response = self.inventory().get_inventory(request).await.expect("the product exists");
        response.into_inner().inventory.expect("a response has it")
    }

    /// Returns one of a person's own orders.
    ///
    /// # Panics
    /// If a call fails.
    pub async fn order(&self, person: &Person, order_id: &str) -> Order {
        let request = person.request(GetOrderRequest { order_id: order_id.into() });
        let response = self.orders().get_order(request).await.expect("the order exists");
        response.into_inner().order.expect("a response has it")
    }

    /// Places an order of `items`.
    ///
    /// # Panics
    /// If the call fails.
    pub async fn place(&self, person: &Person, items: &[(&str, i32)]) -> Order {
        let response = self.orders().place_order(person.request(place_order(items))).await;
        response.expect("the stock is available").into_inner().order.expect("a response has it")
    }

    /// Waits until a product has this stock on hand and no hold.
    ///
    /// # Panics
    /// If that does not happen in time.
    pub async fn wait_for_stock(&self, admin: &Person, product_id: &str, on_hand: i32) {
        eventually(&format!("{on_hand} on hand and none held"), || async {
            let stock = self.stock(admin, product_id).await;
            ((stock.on_hand, stock.held) == (on_hand, 0)).then_some(())
        })
        .await;
    }

    /// Waits until the mail of an order has the state `SENT`.
    ///
    /// # Panics
    /// If that does not happen in time.
    pub async fn wait_for_sent_mail(&self, person: &Person, order_id: &str) {
        eventually("the mail of the order is sent", || async {
            (self.order(person, order_id).await.mail_state() == MailState::Sent).then_some(())
        })
        .await;
    }
}

/// Signs up a customer through a gateway and logs in.
///
/// # Errors
/// The status of the call that fails.
pub async fn sign_up(channel: Channel, email: &str) -> Result<Person, Status> {
    let mut users = UserServiceClient::new(channel);
    let request = SignUpRequest {
        email: email.to_owned(),
        password: PASSWORD.into(),
        display_name: "Pat Example".into(),
    };
    users.sign_up(request).await?;
    log_in(users, email, PASSWORD).await
}

async fn log_in(
    mut users: UserServiceClient<Channel>,
    email: &str,
    password: &str,
) -> Result<Person, Status> {
    let (email, password) = (email.to_owned(), password.to_owned());
    let request = LoginRequest { email, password, ..LoginRequest::default() };
    let response = users.login(request).await?.into_inner();
    let user = response.user.expect("a response has it");
    Ok(Person { user, token: response.access_token })
}

/// Returns the body of a plain GET.
///
/// # Errors
/// Any status but 200, or no response.
pub async fn get(url: &str) -> Result<Bytes, BoxError> {
    use http_body_util::{BodyExt, Empty};
    let client: HttpClient<_, Empty<Bytes>> =
        HttpClient::builder(TokioExecutor::new()).build_http();
    let response = client.get(url.parse()?).await?;
    if response.status() != http::StatusCode::OK {
        return Err(format!("{url} returned {}", response.status()).into());
    }
    Ok(response.into_body().collect().await?.to_bytes())
}

/// Returns a shipping address.
pub fn address() -> Address {
    Address {
        full_name: "Pat Example".into(),
        street: "1 Harbour Street".into(),
        city: "Hamburg".into(),
        postal_code: "20457".into(),
        country_code: "DE".into(),
    }
}

/// Returns a request to buy `items`, with a new request id.
pub fn place_order(items: &[(&str, i32)]) -> PlaceOrderRequest {
    let items = items
        .iter()
        .map(|&(product_id, quantity)| PlaceOrderItem { product_id: product_id.into(), quantity });
    PlaceOrderRequest {
        request_id: Uuid::now_v7().to_string(),
        items: items.collect(),
        shipping_address: Some(address()),
        ..PlaceOrderRequest::default()
    }
}

/// Calls the method at `path` with an encoded message.
///
/// # Errors
/// The status of the call.
pub async fn call_raw<C>(
    channel: C,
    path: &str,
    request: tonic::Request<Bytes>,
) -> Result<Bytes, Status>
where
    C: GrpcService<Body>,
    C::Error: Into<BoxError>,
    C::ResponseBody: http_body::Body<Error: Into<BoxError>> + Send + 'static,
{
    let path = path.parse().map_err(|error| Status::internal(format!("{error}")))?;
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.map_err(|error| Status::from_error(error.into()))?;
    client.unary(request, path, RawCodec).await.map(tonic::Response::into_inner)
}

/// Passes encoded messages through.
struct RawCodec;

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        let length = buffer.remaining();
        Ok(Some(buffer.copy_to_bytes(length)))
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("mailbox_url", &self.mailbox_url).finish_non_exhaustive()
    }
}
