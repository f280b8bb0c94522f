//! The transaction that inserts orders, and tombstones: two replicas on one database.

use std::collections::HashSet;

use futures::future::join_all;
use order_svc::{
    App,
    checkout::{InsertResult, resolve_checkouts},
    order::{CheckoutOutcome, NewOrder, OrderId, OrderState},
};
use proto::order::v1 as pb;
use tests::issuer::Issuer;
use tokio::join;
use uuid::Uuid;

use crate::harness::{Shop, app, app_alone, insert, new_order, number};

async fn resolve(app: &App, ids: &[OrderId]) -> Vec<CheckoutOutcome> {
    let resolved = resolve_checkouts(app, ids).await.unwrap();
    assert!(resolved.iter().map(|(id, _)| id).eq(ids));
    resolved.into_iter().map(|(_, outcome)| outcome).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_and_a_tombstone_at_the_same_time_leave_exactly_one_of_them() {
    let shop = Shop::open().await;
    let (ours, theirs) = (shop.app(), app(&shop.config));
    let customer = shop.issuer.customer();
    let (mut placed, mut abandoned) = (0, 0);
    for round in 0..60 {
        let orders: Vec<NewOrder> = (0..8).map(|n| new_order(&customer, &[(n, 1)])).collect();
        let mut ids: Vec<OrderId> = orders.iter().map(|order| order.id).collect();
        if round % 2 == 0 {
            ids.reverse();
        }
        let inserts = join_all(orders.into_iter().map(|order| ours.order_writer.insert(order)));
        let (mut results, outcomes) = if round % 3 == 0 {
            let (outcomes, results) = join!(resolve(&theirs, &ids), inserts);
            (results, outcomes)
        } else {
            join!(inserts, resolve(&theirs, &ids))
        };
        if round % 2 == 0 {
            results.reverse();
        }
        // An outcome is final.
        assert_eq!(resolve(&ours, &ids).await, outcomes);
        for (result, outcome) in results.into_iter().zip(outcomes) {
            match (result.unwrap(), outcome) {
                (InsertResult::Inserted(_), CheckoutOutcome::Placed) => placed += 1,
                (InsertResult::Abandoned, CheckoutOutcome::Abandoned) => abandoned += 1,
                (result, outcome) => panic!("{result:?} and {outcome:?}"),
            }
        }
    }
    assert!(placed > 0 && abandoned > 0, "{placed} placed, {abandoned} abandoned");
    assert_eq!(number(&ours, "SELECT count(*) FROM orders").await, placed);
    assert_eq!(number(&ours, "SELECT count(*) FROM checkouts").await, placed + abandoned);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_equal_orders_at_two_replicas_become_one_order() {
    let shop = Shop::open().await;
    let replicas = [shop.app(), app(&shop.config)];
    let order = new_order(&shop.customer, &[(1, 2)]);
    let inserts = (0..50).map(|n| replicas[n % 2].order_writer.insert(order.clone()));
    let results = join_all(inserts).await;
    let inserted = results.iter().filter(|r| matches!(r, Ok(InsertResult::Inserted(_)))).count();
    let existing = results.iter().filter(|r| matches!(r, Ok(InsertResult::Existing(_)))).count();
    assert_eq!((inserted, existing), (1, 49));
    let orders: HashSet<String> = results
        .into_iter()
        .map(|result| match result.unwrap() {
            InsertResult::Inserted(order) | InsertResult::Existing(order) => format!("{order:?}"),
            InsertResult::Abandoned | InsertResult::BeyondLimit => {
                panic!("there is no tombstone and no limit")
            }
        })
        .collect();
    assert_eq!(orders.len(), 1, "all get the same order");
    assert_eq!(number(&replicas[0], "SELECT count(*) FROM orders").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_inserts_order_event_and_pending_row_of_each_order_or_none_of_them() {
    let app = app_alone().await;
    let issuer = Issuer::start().await;
    let customer = issuer.customer();
    // One of a hundred orders has no items, which the table forbids.
    let mut orders: Vec<NewOrder> =
        (0..100).map(|n| new_order(&customer, &[(n, 1), (n + 100, 2)])).collect();
    orders[40].items.clear();
    let ids: Vec<OrderId> = orders.iter().map(|order| order.id).collect();
    let results = join_all(orders.into_iter().map(|order| app.order_writer.insert(order))).await;
    for (n, result) in results.iter().enumerate() {
        assert_eq!(matches!(result, Ok(InsertResult::Inserted(_))), n != 40, "{n}: {result:?}");
    }
    for table in ["orders", "outbox", "uncounted_orders"] {
        assert_eq!(number(&app, &format!("SELECT count(*) FROM {table}")).await, 99, "{table}");
    }
    let keys = "SELECT count(DISTINCT key) FROM outbox JOIN orders ON key = order_id::text";
    assert_eq!(number(&app, keys).await, 99);
    let items = "SELECT count(*) FROM orders WHERE cardinality(product_ids) = 2 \
         AND quantities = '{1,2}' AND total_minor = 750";
    assert_eq!(number(&app, items).await, 99);
    let outcomes = resolve(&app, &ids).await;
    assert_eq!(outcomes[40], CheckoutOutcome::Abandoned);
    assert_eq!(outcomes.iter().filter(|o| **o == CheckoutOutcome::Placed).count(), 99);
}

#[tokio::test(flavor = "multi_thread")]
async fn resolve_checkouts_returns_each_outcome_and_a_cancelled_order_counts_as_placed() {
    let shop = Shop::open().await;
    let app = shop.app();
    let order = insert(&app, new_order(&shop.customer, &[(1, 1)])).await;
    shop.cancel(&shop.customer, &order.id.to_string()).await.unwrap();
    let never = Uuid::now_v7().to_string();
    let order_ids = vec![never.clone(), order.id.to_string(), never.clone()];
    for _ in 0..2 {
        let request = pb::ResolveCheckoutsRequest { order_ids: order_ids.clone() };
        let response = shop.checkouts.clone().resolve_checkouts(request).await.unwrap();
        let outcomes: Vec<_> = response
            .into_inner()
            .checkouts
            .into_iter()
            .map(|checkout| (checkout.outcome(), checkout.order_id))
            .collect();
        use pb::CheckoutOutcome::{Abandoned, Placed};
        let want = [
            (Abandoned, never.clone()),
            (Placed, order.id.to_string()),
            (Abandoned, never.clone()),
        ];
        assert_eq!(outcomes, want);
    }
    assert_eq!(number(&app, "SELECT count(*) FROM checkouts").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tombstone_is_never_returned_as_an_order() {
    let shop = Shop::open().await;
    let app = shop.app();
    let order = new_order(&shop.customer, &[(1, 1)]);
    resolve(&app, &[order.id]).await;
    assert!(matches!(app.order_writer.insert(order.clone()).await, Ok(InsertResult::Abandoned)));
    let id = order.id.to_string();
    let reason = |status| tests::status::reason(&status);
    assert_eq!(reason(shop.get(&shop.customer, &id).await.unwrap_err()), "ORDER_NOT_FOUND");
    assert_eq!(reason(shop.cancel(&shop.customer, &id).await.unwrap_err()), "ORDER_NOT_FOUND");
    assert_eq!(reason(shop.ship(&id).await.unwrap_err()), "ORDER_NOT_FOUND");
    assert_eq!(shop.list_all(Default::default()).await.unwrap().orders, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_existing_order_keeps_its_fingerprint() {
    let app = app_alone().await;
    let issuer = Issuer::start().await;
    let order = new_order(&issuer.customer(), &[(1, 1)]);
    let other = NewOrder {
        fingerprint: new_order(&issuer.customer(), &[(1, 2)]).fingerprint,
        ..order.clone()
    };
    // In one batch or in two: the first order is inserted.
    for (first, second) in [(order.clone(), other.clone()), (other, order.clone())] {
        let (one, two) = join!(app.order_writer.insert(first), app.order_writer.insert(second));
        for result in [one.unwrap(), two.unwrap()] {
            match result {
                InsertResult::Inserted(existing) | InsertResult::Existing(existing) => {
                    assert_eq!(existing.fingerprint, order.fingerprint);
                    assert_eq!(existing.state, OrderState::Confirmed);
                }
                InsertResult::Abandoned | InsertResult::BeyondLimit => {
                    panic!("there is no tombstone and no limit")
                }
            }
        }
    }
}
