//! A crash between two steps of the checkout: the same request, sent again after the
//! restart, places one order, and the stock is taken once.

use std::process::{Child, Command, Stdio};

use mesh::channel::Channel;
use proto::order::v1::{PlaceOrderRequest, order_service_client::OrderServiceClient};
use tests::{
    PATIENCE,
    service::{arguments, channel},
    status::reason,
};
use tonic::{Code, Status};

use crate::harness::{Shop, Stock, number, request, settings};

/// The program as a process of its own, so that it can crash.
struct Program {
    child: Child,
    orders: OrderServiceClient<Channel>,
}

impl Program {
    async fn start(shop: &Shop, crash_at: Option<&str>) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let url = secrecy::ExposeSecret::expose_secret(&shop.config.settings.database.database_url);
        let settings = settings(&shop.issuer.jwks_url);
        let more: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut arguments = arguments("order-svc", url, &more);
        let listen = arguments.iter().position(|a| a == "--listen-address").unwrap();
        arguments[listen + 1] = address.to_string().into();
        let mut command = Command::new(env!("CARGO_BIN_EXE_order-svc"));
        command.args(&arguments[1..]).stderr(Stdio::null());
        if let Some(step) = crash_at {
            command.env("CRASH_AT", step);
        }
        let child = command.spawn().unwrap();
        let url = format!("https://localhost:{}", address.port());
        let channel = channel("gateway", &url, proto::FILE_DESCRIPTOR_SET);
        Self { child, orders: OrderServiceClient::new(channel) }
    }

    /// Places an order. Returns whether it was a replay.
    async fn place(&self, shop: &Shop, request: &PlaceOrderRequest) -> Result<bool, Status> {
        let request = shop.issuer.request(&shop.customer, request.clone());
        self.orders.clone().place_order(request).await.map(|r| r.into_inner().replayed)
    }

    /// Places an order until the program crashes. Until it serves it is unavailable.
    async fn place_until_crash(mut self, shop: &Shop, request: &PlaceOrderRequest) {
        let placing = async {
            while self.child.try_wait().unwrap().is_none() {
                if let Err(status) = self.place(shop, request).await {
                    let failure = (status.code(), &*reason(&status));
                    assert_eq!(failure, (Code::Unavailable, "SERVICE_UNAVAILABLE"));
                }
            }
        };
        tokio::time::timeout(PATIENCE, placing).await.expect("it crashes");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Crashes at `step` of a checkout, after which there are `orders_after` orders. Checks that
/// the same request, after the restart, leaves one order and its stock taken. Returns
/// whether the response was a replay.
async fn crash_at(step: &str, orders_after: i64) -> bool {
    // A running service would publish the events that the program leaves.
    let shop = Shop::closed().await;
    let mut stock = Stock::of(&shop);
    let cup = stock.product(&shop.issuer, "Cup", 5).await;
    let request = request(&[(&cup, 2)]);
    let program = Program::start(&shop, Some(step)).await;
    program.place_until_crash(&shop, &request).await;
    assert_eq!(number(&shop.app(), "SELECT count(*) FROM checkouts").await, orders_after);
    assert_eq!(number(&shop.app(), "SELECT count(*) FROM outbox").await, orders_after);

    let program = Program::start(&shop, None).await;
    let replayed =
        tests::eventually("a response", async || program.place(&shop, &request).await.ok()).await;
    stock.becomes(&shop.issuer, &cup, (3, 0)).await;
    let app = shop.app();
    tests::eventually("all events are published", async || {
        (number(&app, "SELECT count(*) FROM outbox").await == 0).then_some(())
    })
    .await;
    assert_eq!(number(&app, "SELECT count(*) FROM orders").await, 1);
    replayed
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_between_hold_and_order_the_same_request_places_the_order() {
    assert!(!crash_at("after-reserve", 0).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_between_order_and_response_the_same_request_is_a_replay() {
    assert!(crash_at("after-order", 1).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_between_publishing_and_deleting_a_duplicate_event_has_no_effect() {
    assert!(crash_at("published", 1).await);
}
