//! The load on the store: orders by gRPC and a list by gRPC-Web, each with its baseline.

use std::{
    convert::Infallible,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use bytes::{BufMut, Bytes, BytesMut};
use devstack::{Service, Stack};
use futures::future::try_join_all;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper_util::{
    client::legacy::Client, client::legacy::connect::HttpConnector, rt::TokioExecutor,
};
use mesh::server::{Transport, serve};
use prost::Message;
use proto::{
    order::v1::order_service_client::OrderServiceClient, product::v1::ListProductsRequest,
};
use tests::{
    eventually,
    store::{Channel, Person, Protocol, channel, get, place_order, sign_up},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;

use crate::{Result, pgbench};

/// Customers who are logged in, each with its own connection.
pub struct Buyers(Vec<(OrderServiceClient<Channel>, Person)>);

impl Buyers {
    /// Signs up `count` customers.
    pub async fn sign_up(stack: &Stack, count: usize) -> Result<Self> {
        let gateway = stack.addresses().gateway_url().ok_or("the gateway runs")?;
        let mut buyers = Vec::with_capacity(count);
        for n in 0..count {
            let channel = channel(&gateway, Protocol::Grpc);
            let person = sign_up(channel.clone(), &format!("buyer{n}@example.com")).await?;
            buyers.push((OrderServiceClient::new(channel), person));
        }
        Ok(Self(buyers))
    }

    /// Places orders of one unit of one of `products` and returns the orders per second.
    pub async fn place_orders(&self, products: &[String], time: Duration) -> Result<f64> {
        let placed = AtomicUsize::new(0);
        let began = Instant::now();
        try_join_all(self.0.iter().enumerate().map(|(n, (orders, person))| {
            let (placed, mut orders) = (&placed, orders.clone());
            async move {
                let mut next = n * products.len() / self.0.len();
                while began.elapsed() < time {
                    next += 7;
                    let product_id = &products[next % products.len()];
                    let request = person.request(place_order(&[(product_id, 1)]));
                    orders.place_order(request).await?;
                    placed.fetch_add(1, Ordering::Relaxed);
                }
                Ok::<_, tonic::Status>(())
            }
        }))
        .await?;
        Ok(placed.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64())
    }
}

/// Creates products that never sell out, and returns their ids.
pub async fn create_products(stack: &Stack, count: usize) -> Result<Vec<String>> {
    let url =
        stack.addresses().database_url(Service::PRODUCT).ok_or("product-svc has a database")?;
    let client = pgbench::connect(&url).await?;
    let count = i32::try_from(count)?;
    client
        .execute(
            "WITH p AS (INSERT INTO products \
             (id, sku, slug, name, description, category, price_minor, image_url) \
             SELECT gen_random_uuid(), 'BENCH-' || n, 'bench-' || n, 'Bench cup ' || n, \
             'A cup to be sold very often.', 'bench', 250, '' FROM generate_series(1, $1) AS n \
             RETURNING id) INSERT INTO inventory (product_id, on_hand) SELECT id, 100000000 FROM p",
            &[&count],
        )
        .await?;
    let rows = client.query("SELECT id::text FROM products WHERE category = 'bench'", &[]).await?;
    Ok(rows.into_iter().map(|row| row.get(0)).collect())
}

/// ListProducts by gRPC-Web through the gateway of the store, and, as the baseline, the same bytes
/// from a constant upstream through another gateway.
pub struct Listing {
    store: String,
    constant: String,
    request: Bytes,
    gateway: Child,
}

impl Drop for Listing {
    fn drop(&mut self) {
        let _ = self.gateway.kill();
        let _ = self.gateway.wait();
    }
}

const PATH: &str = "/shopmesh.product.v1.ProductService/ListProducts";

impl Listing {
    /// Calls the store once, and starts the constant upstream with its response.
    pub async fn prepare(stack: &Stack) -> Result<Self> {
        let store = stack.addresses().gateway_url().ok_or("the gateway runs")?;
        let request = frame(&ListProductsRequest::default().encode_to_vec());
        let response = list_products(&http_client(), &store, &request).await?;
        // The first frame is the message, the second has the trailers.
        let length = u32::from_be_bytes(response[1..5].try_into()?) as usize;
        let upstream = serve_constant(response.slice(..5 + length)).await?;

        let (port, admin_port) = (free_port().await?, free_port().await?);
        let program = std::env::current_exe()?.with_file_name("gateway");
        let gateway = Command::new(program)
            .env("LISTEN_ADDRESS", format!("127.0.0.1:{port}"))
            .env("ADMIN_ADDRESS", format!("127.0.0.1:{admin_port}"))
            .env("UPSTREAMS", format!("shopmesh.product.v1={upstream}"))
            .env("RUST_LOG", "warn")
            .stdout(Stdio::null())
            .spawn()?;
        let constant = format!("http://127.0.0.1:{port}");
        let ready = format!("http://127.0.0.1:{admin_port}/readyz");
        eventually("the gateway of the baseline", || async { get(&ready).await.ok() }).await;
        Ok(Self { store, constant, request, gateway })
    }

    /// Returns the calls per second to the store.
    pub async fn measure_store(&self, clients: usize, time: Duration) -> Result<f64> {
        measure(&self.store, &self.request, clients, time).await
    }

    /// Returns the calls per second to the constant upstream.
    pub async fn measure_constant(&self, clients: usize, time: Duration) -> Result<f64> {
        measure(&self.constant, &self.request, clients, time).await
    }
}

type Http = Client<HttpConnector, Full<Bytes>>;

fn http_client() -> Http {
    Client::builder(TokioExecutor::new()).build_http()
}

async fn measure(url: &str, request: &Bytes, clients: usize, time: Duration) -> Result<f64> {
    let calls = AtomicUsize::new(0);
    let began = Instant::now();
    let client = http_client();
    try_join_all((0..clients).map(|_| async {
        while began.elapsed() < time {
            list_products(&client, url, request).await?;
            calls.fetch_add(1, Ordering::Relaxed);
        }
        Result::Ok(())
    }))
    .await?;
    Ok(calls.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64())
}

async fn list_products(client: &Http, url: &str, request: &Bytes) -> Result<Bytes> {
    let request = Request::post(format!("{url}{PATH}"))
        .header("content-type", "application/grpc-web+proto")
        .body(Full::new(request.clone()))?;
    let body = client.request(request).await?.into_body().collect().await?.to_bytes();
    match body.first() {
        Some(0) => Ok(body),
        _ => Err("a call failed".into()),
    }
}

/// Returns an uncompressed message in its gRPC frame.
fn frame(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(5 + message.len());
    frame.put_u8(0);
    frame.put_u32(message.len() as u32);
    frame.put_slice(message);
    frame.freeze()
}

/// Serves the same response to every call, and returns its URL.
async fn serve_constant(message: Bytes) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let service = tower::service_fn(move |request: Request<Body>| {
        let message = message.clone();
        async move {
            let _ = request.into_body().collect().await;
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
            let frames = [http_body::Frame::data(message), http_body::Frame::trailers(trailers)];
            let frames = futures::stream::iter(frames.map(Ok::<_, tonic::Status>));
            let mut response = http::Response::new(Body::new(StreamBody::new(frames)));
            let grpc = http::HeaderValue::from_static("application/grpc");
            response.headers_mut().insert(http::header::CONTENT_TYPE, grpc);
            Ok::<_, Infallible>(response)
        }
    });
    let drain_duration_max = Duration::from_secs(1);
    let transport = Transport::internal(None, 10_000, drain_duration_max);
    tokio::spawn(serve(listener, transport, service, CancellationToken::new()));
    Ok(url)
}

async fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port())
}
