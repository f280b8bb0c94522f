//! A steady load through the gateway, as of several systems with a connection each: mostly reads, some
//! checkouts.

use std::time::Duration;

use futures::{StreamExt, stream::FuturesUnordered};
use proto::{
    order::v1::ListOrdersRequest,
    product::v1::{GetProductRequest, ListProductsRequest, Product, get_product_request::Key},
};
use tests::{
    PATIENCE,
    store::{Person, Store, place_order},
};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tonic::Status;

const REQUESTS_PER_SECOND: u64 = 100;
const CONNECTIONS: usize = 10;
/// What is on hand of the product that is bought: enough for hours.
const ON_HAND: i32 = 100_000;
/// How long the load runs before the work begins and after it ends.
const MARGIN: Duration = Duration::from_secs(3);

/// Does `work` under load.
///
/// # Panics
/// Where a request failed meanwhile.
pub async fn under_load<T>(work: impl Future<Output = T>) -> T {
    let store = super::store();
    let admin = store.admin().await;
    let cup = store.product(&admin, 250, ON_HAND).await;
    let pat = store.customer().await;
    let stores: Vec<_> = (0..CONNECTIONS).map(|_| super::store()).collect();
    let work = async {
        sleep(MARGIN).await;
        let result = work.await;
        sleep(MARGIN).await;
        result
    };
    tokio::pin!(work);
    // Whatever became of the requests before, the next one comes.
    let mut ticks = interval(Duration::from_micros(1_000_000 / REQUESTS_PER_SECOND));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut calls, mut sent, mut failures) = (FuturesUnordered::new(), 0, Vec::new());
    let result = loop {
        tokio::select! {
            result = &mut work => break result,
            Some(outcome) = calls.next() => failures.extend(Result::err(outcome)),
            _ = ticks.tick() => {
                // The number of the connection must not choose the call.
                calls.push(sent_anew(&stores[sent % CONNECTIONS], &pat, &cup, sent / CONNECTIONS));
                sent += 1;
            }
        }
    };
    while let Some(outcome) = timeout(PATIENCE, calls.next()).await.expect("calls end") {
        failures.extend(outcome.err());
    }
    let some: Vec<_> = failures.iter().take(10).map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{} of {sent} failed:\n{}", failures.len(), some.join("\n"));
    println!("{sent} requests, none failed");
    result
}

/// As gRPC's libraries do and tonic does not: a request that the other side turned away unseen, since it closes the
/// connection, is sent again.
async fn sent_anew(
    store: &Store,
    pat: &Person,
    cup: &Product,
    number: usize,
) -> Result<(), Status> {
    let unseen =
        |status: &Status| format!("{status:?}").contains("GoAway(b\"\", NO_ERROR, Remote)");
    match call(store, pat, cup, number).await {
        Err(status) if unseen(&status) => call(store, pat, cup, number).await,
        outcome => outcome,
    }
}

async fn call(store: &Store, pat: &Person, cup: &Product, number: usize) -> Result<(), Status> {
    match number % 10 {
        0 => {
            let request = pat.request(place_order(&[(&cup.product_id, 1)]));
            store.orders().place_order(request).await.map(drop)
        }
        1 | 2 => {
            let request = pat.request(ListOrdersRequest { page_size: 5, ..Default::default() });
            store.orders().list_orders(request).await.map(drop)
        }
        3..=6 => {
            let request = GetProductRequest { key: Some(Key::Slug(cup.slug.clone())) };
            store.products().get_product(request).await.map(drop)
        }
        _ => store.products().list_products(ListProductsRequest::default()).await.map(drop),
    }
}
