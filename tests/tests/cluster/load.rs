//! A steady load through the gateway, over several connections: mostly reads, some checkouts.

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
/// The stock of the product that the load buys: enough for hours.
const ON_HAND: i32 = 100_000;
/// How long the load runs before and after the work.
const MARGIN: Duration = Duration::from_secs(3);

/// Runs `work` under load.
///
/// # Panics
/// If a request fails.
pub async fn under_load<T>(work: impl Future<Output = T>) -> T {
    let store = super::store();
    let admin = store.admin().await;
    let cup = store.product(&admin, 250, ON_HAND).await;
    let pat = store.customer().await;
    let stores: Vec<_> = (0..CONNECTIONS).map(|_| super::store()).collect();
    let work = async {
        sleep(MARGIN).await;
        let output = work.await;
        sleep(MARGIN).await;
        output
    };
    tokio::pin!(work);
    // Requests are sent at a fixed rate, whether or not earlier ones have ended.
    let mut ticks = interval(Duration::from_micros(1_000_000 / REQUESTS_PER_SECOND));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut calls, mut sent, mut failures) = (FuturesUnordered::new(), 0, Vec::new());
    let output = loop {
        tokio::select! {
            output = &mut work => break output,
            Some(result) = calls.next() => failures.extend(Result::err(result)),
            _ = ticks.tick() => {
                // Each connection makes every kind of call.
                let store = &stores[sent % CONNECTIONS];
                calls.push(call_with_retry(store, &pat, &cup, sent / CONNECTIONS));
                sent += 1;
            }
        }
    };
    while let Some(result) = timeout(PATIENCE, calls.next()).await.expect("calls end in time") {
        failures.extend(result.err());
    }
    let examples: Vec<_> = failures.iter().take(10).map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{} of {sent} failed:\n{}", failures.len(), examples.join("\n"));
    println!("{sent} requests, none failed");
    output
}

/// Calls again if the server closed the connection before it processed the request. Other gRPC
/// libraries retry such a call themselves (transparent retry), tonic does not.
async fn call_with_retry(
    store: &Store,
    pat: &Person,
    cup: &Product,
    number: usize,
) -> Result<(), Status> {
    let is_unprocessed =
        |status: &Status| format!("{status:?}").contains("GoAway(b\"\", NO_ERROR, Remote)");
    match call(store, pat, cup, number).await {
        Err(status) if is_unprocessed(&status) => call(store, pat, cup, number).await,
        result => result,
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
