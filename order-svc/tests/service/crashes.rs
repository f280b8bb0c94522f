//! Dying exactly between two steps of the checkout: the same request, asked again after
//! the restart, makes one order, and the stock is taken once.

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

/// The program itself, so that it can die.
struct Program {
    child: Child,
    orders: OrderServiceClient<Channel>,
}

impl Program {
    async fn start(shop: &Shop, crash_at: Option<&str>) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let url = secrecy::ExposeSecret::expose_secret(&shop.config.database.database_url);
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

    /// Places an order, once the program is there.
    async fn place(&self, shop: &Shop, asked: &PlaceOrderRequest) -> Result<bool, Status> {
        let request = shop.issuer.request(&shop.customer, asked.clone());
        self.orders.clone().place_order(request).await.map(|r| r.into_inner().replayed)
    }

    /// Places an order until the program is dead: one that is not there yet is as unavailable.
    async fn place_until_death(mut self, shop: &Shop, asked: &PlaceOrderRequest) {
        let placing = async {
            while self.child.try_wait().unwrap().is_none() {
                if let Err(status) = self.place(shop, asked).await {
                    let told = (status.code(), &*reason(&status));
                    assert_eq!(told, (Code::Unavailable, "SERVICE_UNAVAILABLE"));
                }
            }
        };
        tokio::time::timeout(PATIENCE, placing).await.expect("it dies");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Dies at `step` of a checkout; tells what the request is answered after the restart,
/// whether replayed, and leaves one order and its stock taken.
async fn die_at(step: &str, stands_after: i64) -> bool {
    // Its own service would publish what the program leaves.
    let shop = Shop::closed().await;
    let mut stock = Stock::of(&shop);
    let cup = stock.product(&shop.issuer, "Cup", 5).await;
    let asked = request(&[(&cup, 2)]);
    let program = Program::start(&shop, Some(step)).await;
    program.place_until_death(&shop, &asked).await;
    assert_eq!(number(&shop.app(), "SELECT count(*) FROM checkouts").await, stands_after);
    assert_eq!(number(&shop.app(), "SELECT count(*) FROM outbox").await, stands_after);

    let program = Program::start(&shop, None).await;
    let replayed =
        tests::eventually("an answer", async || program.place(&shop, &asked).await.ok()).await;
    stock.becomes(&shop.issuer, &cup, (3, 0)).await;
    let app = shop.app();
    tests::eventually("all is published", async || {
        (number(&app, "SELECT count(*) FROM outbox").await == 0).then_some(())
    })
    .await;
    assert_eq!(number(&app, "SELECT count(*) FROM orders").await, 1);
    replayed
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_death_between_hold_and_order_the_same_request_places_it() {
    assert!(!die_at("after-reserve", 0).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_death_between_order_and_reply_the_same_request_finds_it() {
    assert!(die_at("after-order", 1).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_death_between_publishing_and_marking_the_event_comes_twice_and_counts_once() {
    assert!(die_at("published", 1).await);
}
