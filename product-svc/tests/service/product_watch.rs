//! WatchStock: first and later updates, and the end of streams.

use proto::product::v1::{
    ArchiveProductRequest, StockState, WatchStockRequest, WatchStockResponse,
    inventory_service_client::InventoryServiceClient, product_service_client::ProductServiceClient,
};
use tests::{PATIENCE, status::reason};
use tokio::time::timeout;
use tonic::{Code, Streaming};
use uuid::Uuid;

use crate::harness::{Shop, run};

fn request(product_ids: &[&str]) -> WatchStockRequest {
    WatchStockRequest { product_ids: product_ids.iter().map(|&id| id.into()).collect() }
}

async fn watch(shop: &mut Shop, product_ids: &[&str]) -> Streaming<WatchStockResponse> {
    shop.products.watch_stock(request(product_ids)).await.expect("it is good").into_inner()
}

/// Returns the next message, or `None` at the end.
async fn next(stream: &mut Streaming<WatchStockResponse>) -> Option<WatchStockResponse> {
    timeout(PATIENCE, stream.message()).await.expect("a message in time").expect("no error")
}

/// Returns the next update without heartbeats: states by product, `None` for a missing one.
async fn update(stream: &mut Streaming<WatchStockResponse>) -> Vec<(String, Option<StockState>)> {
    let message = loop {
        let message = next(stream).await.expect("the stream continues");
        if !message.heartbeat {
            break message;
        }
    };
    let states = message.products.iter().map(|p| (p.product_id.clone(), Some(p.stock_state())));
    let missing = message.missing_product_ids.iter().map(|id| (id.clone(), None));
    states.chain(missing).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_update_has_all_states_and_later_ones_the_changed_states() {
    let mut shop = Shop::open().await;
    let (cup, pot) = (shop.product("Cup", 9).await, shop.product("Pot", 0).await);
    let (cup, pot, nothing) = (cup.product_id, pot.product_id, Uuid::now_v7().to_string());
    let mut stream = watch(&mut shop, &[&cup, &pot, &nothing, &cup]).await;
    let first = [
        (cup.clone(), Some(StockState::InStock)),
        (pot.clone(), Some(StockState::OutOfStock)),
        (nothing, None),
    ];
    assert_eq!(update(&mut stream).await, first);

    shop.set_on_hand(&cup, 3).await;
    assert_eq!(update(&mut stream).await, [(cup.clone(), Some(StockState::LowStock))]);
    shop.reserve(Uuid::now_v7(), 1, &[(&cup, 3)]).await.expect("there is enough");
    assert_eq!(update(&mut stream).await, [(cup.clone(), Some(StockState::OutOfStock))]);
    let archive = ArchiveProductRequest { product_id: pot.clone(), ..Default::default() };
    let archive = shop.issuer.request(&shop.admin, archive);
    shop.products.archive_product(archive).await.expect("it exists");
    assert_eq!(update(&mut stream).await, [(pot, None)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_by_another_replica_is_an_update() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 0).await.product_id;
    let other = run(&shop.config).await;
    let mut stream = watch(&mut shop, &[&cup]).await;
    assert_eq!(update(&mut stream).await, [(cup.clone(), Some(StockState::OutOfStock))]);
    shop.inventory =
        InventoryServiceClient::new(other.channel("gateway", proto::FILE_DESCRIPTOR_SET));
    shop.set_on_hand(&cup, 9).await;
    assert_eq!(update(&mut stream).await, [(cup, Some(StockState::InStock))]);
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_end_without_an_error_when_the_service_stops() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 1).await.product_id;
    let mut stream = watch(&mut shop, &[&cup]).await;
    update(&mut stream).await;
    shop.stop().await;
    assert_eq!(next(&mut stream).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_one_network_leave_live_updates_to_others() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 1).await.product_id;
    let from = |address: &str, request: WatchStockRequest| {
        let mut request = tonic::Request::new(request);
        request.metadata_mut().insert("x-forwarded-for", address.parse().expect("a header"));
        request
    };
    let mut streams = Vec::new();
    for _ in 0..200 {
        let ids: Vec<_> = (0..100).map(|_| Uuid::now_v7().to_string()).collect();
        let ids: Vec<_> = ids.iter().map(String::as_str).collect();
        match shop.products.watch_stock(from("203.0.113.1", request(&ids))).await {
            Ok(stream) => streams.push(stream.into_inner()),
            Err(status) => {
                let rejected = (status.code(), &*reason(&status));
                assert_eq!(rejected, (Code::ResourceExhausted, "OVERLOADED"));
            }
        }
    }
    assert_eq!(streams.len(), shop.config.settings.streams.streams_per_client_max);
    for stream in &mut streams {
        assert_eq!(update(stream).await.len(), 100, "none of them exists");
    }
    let another = shop.products.watch_stock(from("203.0.113.2", request(&[&cup]))).await;
    let mut another = another.expect("it has streams of its own").into_inner();
    assert_eq!(update(&mut another).await, [(cup.clone(), Some(StockState::LowStock))]);
    shop.set_on_hand(&cup, 0).await;
    assert_eq!(update(&mut another).await, [(cup, Some(StockState::OutOfStock))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_above_the_limit_is_rejected_as_overload() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 1).await.product_id;
    let mut config = shop.config.clone();
    config.settings.server.streams_max = 1;
    let narrow = run(&config).await;
    shop.products =
        ProductServiceClient::new(narrow.channel("gateway", proto::FILE_DESCRIPTOR_SET));
    let mut first = watch(&mut shop, &[&cup]).await;
    update(&mut first).await;
    let rejected = shop.products.watch_stock(request(&[&cup])).await.expect_err("one is open");
    assert_eq!((rejected.code(), &*reason(&rejected)), (Code::ResourceExhausted, "OVERLOADED"));
    drop(first);
    tests::eventually("the permit is free", async || {
        shop.products.clone().watch_stock(request(&[&cup])).await.ok()
    })
    .await;
}
