//! Crashes between two steps of a reservation: after a restart, stock is held once and taken once.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use mesh::channel::Channel;
use mesh_data::kafka::{Producer, Record};
use prost::{Message, Name};
use proto::{
    order::v1::{Order, OrderCreated, OrderItem, OrderState},
    product::v1::{ListCategoriesRequest, reservation_service_client::ReservationServiceClient},
    topics::Event,
};
use tests::{
    PATIENCE, eventually,
    service::{arguments, channel, kafka_config},
    status::reason,
};
use tonic::Code;
use uuid::Uuid;

use crate::harness::{Shop, eur, reserve, settings};

/// The program itself, so that it can die.
struct Program {
    child: Child,
    url: String,
}

impl Program {
    fn start(shop: &Shop, group: &str, crash_at: Option<&str>) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("it is bound");
        drop(free);
        let database = &shop.config.settings.database.database_url;
        let database_url = secrecy::ExposeSecret::expose_secret(database);
        let mut settings = settings(&shop.issuer.jwks_url);
        settings.retain(|(name, _)| *name != "kafka-group");
        let mut more: Vec<_> =
            settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        more.push(("kafka-group", group));
        let mut arguments = arguments("product-svc", database_url, &more);
        let listen = arguments.iter().position(|a| a == "--listen-address").expect("it is set");
        arguments[listen + 1] = address.to_string().into();
        let mut command = Command::new(env!("CARGO_BIN_EXE_product-svc"));
        command.args(&arguments[1..]).stderr(Stdio::null());
        if let Some(failpoint) = crash_at {
            command.env("CRASH_AT", failpoint);
        }
        let child = command.spawn().expect("the program starts");
        Self { child, url: format!("https://localhost:{}", address.port()) }
    }

    fn channel(&self, caller: &str) -> Channel {
        channel(caller, &self.url, proto::FILE_DESCRIPTOR_SET)
    }

    /// Connects the clients of `shop`, and waits until the program serves.
    async fn connect(&self, shop: &mut Shop) {
        shop.connect(self.channel("gateway"), self.channel("order-svc"));
        eventually("the program serves", async || {
            shop.products.clone().list_categories(ListCategoriesRequest {}).await.ok()
        })
        .await;
    }

    /// Waits until the program has died.
    async fn dies(mut self) {
        let death = async {
            while self.child.try_wait().expect("a child").is_none() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, death).await.expect("the program dies");
    }

    /// Reserves until the program has died. Until it serves, it is unavailable as well.
    async fn reserve_until_death(mut self, order_id: Uuid, items: &[(&str, i32)]) {
        let client = ReservationServiceClient::new(self.channel("order-svc"));
        let reserve = async {
            while self.child.try_wait().expect("a child").is_none() {
                let request = reserve(order_id, 1, items);
                if let Err(status) = client.clone().reserve_stock(request).await {
                    let error = (status.code(), &*reason(&status));
                    assert_eq!(error, (Code::Unavailable, "SERVICE_UNAVAILABLE"));
                }
            }
        };
        tokio::time::timeout(PATIENCE, reserve).await.expect("the program dies");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Publishes that an order took one line item. Nobody gets a mail of it.
///
/// `key` decides the partition, and events of one partition arrive in order.
async fn publish(key: Uuid, order_id: Uuid, item: (&str, i32)) {
    let item = OrderItem {
        product_id: item.0.into(),
        name: "Cup".into(),
        quantity: item.1,
        price: Some(eur(250)),
    };
    let event = OrderCreated {
        event_id: Uuid::now_v7().to_string(),
        order: Some(Order {
            order_id: order_id.to_string(),
            state: OrderState::Confirmed.into(),
            total: Some(eur(250 * i64::from(item.quantity))),
            items: vec![item],
            ..Order::default()
        }),
        ..OrderCreated::default()
    };
    let record = Record {
        topic: OrderCreated::TOPIC.into(),
        key: key.to_string(),
        message: OrderCreated::full_name(),
        payload: event.encode_to_vec(),
        traceparent: None,
        headers: Vec::new(),
    };
    let producer = Producer::new(&kafka_config("order-svc")).expect("good settings");
    producer.publish(&[record]).await.expect("the broker responds");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_between_hold_and_reply_the_same_request_is_a_replay() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 5).await;
    let (order_id, items) = (Uuid::now_v7(), [(&*cup.product_id, 2)]);
    let group = group();
    let program = Program::start(&shop, &group, Some("stock-reserved"));
    program.reserve_until_death(order_id, &items).await;
    assert_eq!(shop.stock(&cup.product_id).await, (5, 2, 5));

    let program = Program::start(&shop, &group, None);
    program.connect(&mut shop).await;
    let reserved = shop.reserve(order_id, 1, &items).await.expect("it is held");
    assert_eq!((reserved.known, reserved.total), (true, Some(eur(500))));
    assert_eq!(shop.stock(&cup.product_id).await, (5, 2, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_between_stock_and_offset_the_event_arrives_twice_and_counts_once() {
    let mut shop = Shop::closed().await;
    let group = group();
    let program = Program::start(&shop, &group, Some("outcomes-applied"));
    program.connect(&mut shop).await;
    let cup = shop.product("Cup", 5).await;
    let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
    for (order_id, quantity) in [(first, 2), (second, 1)] {
        let items = [(&*cup.product_id, quantity)];
        shop.reserve(order_id, 1, &items).await.expect("there is enough");
    }
    publish(first, first, (&cup.product_id, 2)).await;
    program.dies().await;

    let program = Program::start(&shop, &group, None);
    program.connect(&mut shop).await;
    assert_eq!(shop.stock(&cup.product_id).await, (3, 1, 3));
    // The second event is behind the first one in the same partition: after it, both have arrived.
    publish(first, second, (&cup.product_id, 1)).await;
    eventually("the second order is committed", async || {
        (shop.stock(&cup.product_id).await == (2, 0, 2)).then_some(())
    })
    .await;
}

fn group() -> String {
    format!("product-svc-{}", Uuid::now_v7())
}
