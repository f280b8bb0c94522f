//! WatchStock: what is there, what becomes of it, and how it ends.

use product_svc::config::Config;
use proto::product::v1::{
    ArchiveProductRequest, StockState, WatchStockRequest, WatchStockResponse,
    inventory_service_client::InventoryServiceClient, product_service_client::ProductServiceClient,
};
use tests::{
    PATIENCE,
    service::InProcess,
    status::{bad_fields, reason},
};
use tokio::time::timeout;
use tonic::{Code, Streaming};
use uuid::Uuid;

use crate::support::{Shop, reserve};

fn request(product_ids: &[&str]) -> WatchStockRequest {
    WatchStockRequest { product_ids: product_ids.iter().map(|&id| id.into()).collect() }
}

async fn watch(shop: &mut Shop, product_ids: &[&str]) -> Streaming<WatchStockResponse> {
    shop.products.watch_stock(request(product_ids)).await.expect("it is good").into_inner()
}

/// The next message; none at the end.
async fn next(stream: &mut Streaming<WatchStockResponse>) -> Option<WatchStockResponse> {
    timeout(PATIENCE, stream.message()).await.expect("something comes").expect("it ends well")
}

/// The next message but for heartbeats: states by product, and what is missing.
async fn news(stream: &mut Streaming<WatchStockResponse>) -> Vec<(String, Option<StockState>)> {
    let message = loop {
        let message = next(stream).await.expect("it goes on");
        if !message.heartbeat {
            break message;
        }
    };
    let states = message.products.iter().map(|p| (p.product_id.clone(), Some(p.stock_state())));
    let missing = message.missing_product_ids.iter().map(|id| (id.clone(), None));
    states.chain(missing).collect()
}

async fn replica(config: &Config) -> InProcess {
    let config = config.clone();
    InProcess::start(|listeners, process| product_svc::run(config, listeners, process)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_states_are_told_as_they_are_and_as_they_change() {
    let mut shop = Shop::open().await;
    let (cup, pot) = (shop.product("Cup", 9).await, shop.product("Pot", 0).await);
    let (cup, pot, nothing) = (cup.product_id, pot.product_id, Uuid::now_v7().to_string());
    let mut stream = watch(&mut shop, &[&cup, &pot, &nothing, &cup]).await;
    let first = [
        (cup.clone(), Some(StockState::InStock)),
        (pot.clone(), Some(StockState::OutOfStock)),
        (nothing, None),
    ];
    assert_eq!(news(&mut stream).await, first);

    shop.set_on_hand(&cup, 3).await;
    assert_eq!(news(&mut stream).await, [(cup.clone(), Some(StockState::LowStock))]);
    let hold = reserve(Uuid::now_v7(), 1, &[(&cup, 3)]);
    shop.reservations.reserve_stock(hold).await.expect("there is enough");
    assert_eq!(news(&mut stream).await, [(cup.clone(), Some(StockState::OutOfStock))]);
    let archive = ArchiveProductRequest { product_id: pot.clone(), ..Default::default() };
    let archive = shop.issuer.request(&shop.admin, archive);
    shop.products.archive_product(archive).await.expect("it is there");
    assert_eq!(news(&mut stream).await, [(pot, None)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_replica_writes_is_told() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 0).await.product_id;
    let other = replica(&shop.config).await;
    let mut stream = watch(&mut shop, &[&cup]).await;
    assert_eq!(news(&mut stream).await, [(cup.clone(), Some(StockState::OutOfStock))]);
    shop.inventory =
        InventoryServiceClient::new(other.channel("gateway", proto::FILE_DESCRIPTOR_SET));
    shop.set_on_hand(&cup, 9).await;
    assert_eq!(news(&mut stream).await, [(cup, Some(StockState::InStock))]);
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn products_to_watch_are_one_to_a_hundred_ids() {
    let mut shop = Shop::open().await;
    let many = vec![Uuid::now_v7().to_string(); 101];
    for (product_ids, bad) in
        [(Vec::new(), "product_ids"), (many, "product_ids"), (vec!["cup".into()], "product_ids[0]")]
    {
        let refused = shop.products.watch_stock(WatchStockRequest { product_ids }).await;
        let refused = refused.expect_err("it is bad");
        assert_eq!(
            (refused.code(), bad_fields(&refused)),
            (Code::InvalidArgument, vec![bad.into()])
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_ends_ends_its_streams_well() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 1).await.product_id;
    let mut stream = watch(&mut shop, &[&cup]).await;
    news(&mut stream).await;
    shop.service.stop().await;
    assert_eq!(next(&mut stream).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_streams_than_may_be_open_are_told_of_the_overload() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 1).await.product_id;
    let mut config = shop.config.clone();
    config.server.streams_max = 1;
    let narrow = replica(&config).await;
    shop.products =
        ProductServiceClient::new(narrow.channel("gateway", proto::FILE_DESCRIPTOR_SET));
    let mut first = watch(&mut shop, &[&cup]).await;
    news(&mut first).await;
    let refused = shop.products.watch_stock(request(&[&cup])).await.expect_err("one is open");
    assert_eq!((refused.code(), &*reason(&refused)), (Code::ResourceExhausted, "OVERLOADED"));
    drop(first);
    tests::eventually("the place is free", async || {
        shop.products.clone().watch_stock(request(&[&cup])).await.ok()
    })
    .await;
}
