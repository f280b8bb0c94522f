//! The limit on open orders of a customer whose address is not verified.

use futures::future::join_all;
use mesh::identity::Claims;
use order_svc::checkout::InsertResult;
use tests::status::reason;
use tonic::{Code, Status};

use crate::harness::{Shop, Stock, new_order, number, request};

/// Serves with limits of open orders and of their units.
async fn open(orders_max: u32, units_max: u32) -> (Shop, Stock) {
    let mut shop = Shop::closed().await;
    shop.config.unverified_orders_max = orders_max;
    shop.config.unverified_units_max = units_max;
    shop.restart(&shop.config.clone()).await;
    let stock = Stock::of(&shop);
    (shop, stock)
}

fn unverified(shop: &Shop) -> Claims {
    Claims { email_verified: false, ..shop.issuer.customer() }
}

fn is_rate_limited(status: &Status) -> bool {
    (status.code(), &*reason(status)) == (Code::ResourceExhausted, "RATE_LIMITED")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unverified_customer_has_a_limited_number_of_open_orders() {
    let (shop, mut stock) = open(2, 0).await;
    let cup = stock.product(&shop.issuer, "Cup", 60).await;
    let customer = unverified(&shop);
    let first = request(&[(&cup, 1)]);
    let placed = shop.place(&customer, first.clone()).await.unwrap().order.unwrap();
    shop.place(&customer, request(&[(&cup, 50)])).await.unwrap();
    let third = request(&[(&cup, 1)]);
    let rejected = shop.place(&customer, third.clone()).await.unwrap_err();
    assert!(is_rate_limited(&rejected), "{rejected:?}");
    // Nothing is held for it, and a replay is no further order.
    stock.becomes(&shop.issuer, &cup, (9, 0)).await;
    assert!(shop.place(&customer, first).await.unwrap().replayed);

    shop.cancel(&customer, &placed.order_id).await.unwrap();
    shop.place(&customer, third).await.expect("a cancelled order is not open");
    let verified = Claims { email_verified: true, ..customer.clone() };
    shop.place(&verified, request(&[(&cup, 1)])).await.expect("verified: no limit");
    let client = Claims { email: None, ..unverified(&shop) };
    for _ in 0..3 {
        shop.place(&client, request(&[(&cup, 1)])).await.expect("an API client has no address");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unverified_customer_has_a_limited_number_of_open_units() {
    let (shop, mut stock) = open(0, 10).await;
    let cup = stock.product(&shop.issuer, "Cup", 60).await;
    let pot = stock.product(&shop.issuer, "Pot", 60).await;
    let customer = unverified(&shop);
    let rejected = shop.place(&customer, request(&[(&cup, 9), (&pot, 2)])).await.unwrap_err();
    assert!(is_rate_limited(&rejected), "{rejected:?}");
    shop.place(&customer, request(&[(&cup, 4), (&pot, 2)])).await.unwrap();
    let rejected = shop.place(&customer, request(&[(&cup, 5)])).await.unwrap_err();
    assert!(is_rate_limited(&rejected), "{rejected:?}");
    shop.place(&customer, request(&[(&cup, 4)])).await.expect("ten units");
    assert_eq!(number(&shop.app(), "SELECT count(*) FROM checkouts").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_concurrent_orders_no_more_are_placed_and_no_others_hold_stock() {
    let (shop, mut stock) = open(3, 0).await;
    let cup = stock.product(&shop.issuer, "Cup", 60).await;
    let (customer, verified) = (unverified(&shop), shop.issuer.customer());
    let orders = (0..20).map(|_| shop.place(&customer, request(&[(&cup, 1)])));
    let others = (0..12).map(|_| shop.place(&verified, request(&[(&cup, 1)])));
    let (results, others) = tokio::join!(join_all(orders), join_all(others));
    assert!(others.iter().all(Result::is_ok));
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 3);
    for status in results.into_iter().filter_map(Result::err) {
        assert!(is_rate_limited(&status), "{status:?}");
    }
    let (on_hand, held) = stock.read(&shop.issuer, &cup).await;
    assert_eq!(on_hand - held, 60 - 12 - 3, "available");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_together_place_no_more() {
    let (shop, _) = open(3, 0).await;
    let (one, other) = (shop.app(), shop.app());
    let customer = unverified(&shop);
    let insert = |n: usize| {
        let writer = if n.is_multiple_of(2) { &one.order_writer } else { &other.order_writer };
        writer.insert(new_order(&customer, &[(1, 1)]))
    };
    let results = join_all((0..12).map(insert)).await;
    let is_inserted = |result: &InsertResult| matches!(result, InsertResult::Inserted(_));
    let inserted = results.iter().filter(|result| result.as_ref().is_ok_and(is_inserted));
    assert_eq!(inserted.count(), 3);
    assert_eq!(number(&one, "SELECT count(*) FROM orders").await, 3);
}
