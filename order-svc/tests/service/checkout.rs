//! The order transaction and the tombstones, of two replicas on one database.

use std::collections::HashSet;

use futures::future::join_all;
use order_svc::{
    App,
    checkout::{NewOrder, Outcome, Resolution, resolve_checkouts},
    order::{OrderId, OrderState},
};
use proto::order::v1::{CheckoutOutcome, ResolveCheckoutsRequest};
use tests::issuer::Issuer;
use tokio::join;
use uuid::Uuid;

use crate::harness::{Shop, app, app_alone, new_order, number, write};

async fn resolve(app: &App, ids: &[OrderId]) -> Vec<Resolution> {
    let resolved = resolve_checkouts(app, ids).await.unwrap();
    assert!(resolved.iter().map(|(id, _)| id).eq(ids));
    resolved.into_iter().map(|(_, resolution)| resolution).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_order_and_a_tombstone_at_once_exactly_one_stands() {
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
        let writes = join_all(orders.into_iter().map(|order| ours.placing.write(order)));
        let (mut outcomes, resolved) = if round % 3 == 0 {
            let (resolved, outcomes) = join!(resolve(&theirs, &ids), writes);
            (outcomes, resolved)
        } else {
            join!(writes, resolve(&theirs, &ids))
        };
        if round % 2 == 0 {
            outcomes.reverse();
        }
        // What was told stays so.
        assert_eq!(resolve(&ours, &ids).await, resolved);
        for (outcome, resolution) in outcomes.into_iter().zip(resolved) {
            match (outcome.unwrap(), resolution) {
                (Outcome::Written(_), Resolution::Placed) => placed += 1,
                (Outcome::Abandoned, Resolution::Abandoned) => abandoned += 1,
                (outcome, resolution) => panic!("{outcome:?}, yet {resolution:?}"),
            }
        }
    }
    assert!(placed > 0 && abandoned > 0, "{placed} placed, {abandoned} abandoned");
    assert_eq!(number(&ours, "SELECT count(*) FROM orders").await, placed);
    assert_eq!(number(&ours, "SELECT count(*) FROM checkouts").await, placed + abandoned);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_equal_orders_over_two_replicas_are_one_with_one_event() {
    let shop = Shop::open().await;
    let replicas = [shop.app(), app(&shop.config)];
    let order = new_order(&shop.customer, &[(1, 2)]);
    let writes = (0..50).map(|n| replicas[n % 2].placing.write(order.clone()));
    let outcomes = join_all(writes).await;
    let written = outcomes.iter().filter(|o| matches!(o, Ok(Outcome::Written(_)))).count();
    let standing = outcomes.iter().filter(|o| matches!(o, Ok(Outcome::Standing(_)))).count();
    assert_eq!((written, standing), (1, 49));
    let orders: HashSet<String> = outcomes
        .into_iter()
        .map(|outcome| match outcome.unwrap() {
            Outcome::Written(order) | Outcome::Standing(order) => format!("{order:?}"),
            Outcome::Abandoned => panic!("nobody gave it up"),
        })
        .collect();
    assert_eq!(orders.len(), 1, "all see the same order");
    assert_eq!(number(&replicas[0], "SELECT count(*) FROM orders").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_writes_order_event_and_count_of_each_or_nothing() {
    let app = app_alone().await;
    let issuer = Issuer::start().await;
    let customer = issuer.customer();
    // Of a hundred at once one has no items, which the table forbids.
    let mut orders: Vec<NewOrder> =
        (0..100).map(|n| new_order(&customer, &[(n, 1), (n + 100, 2)])).collect();
    orders[40].items.clear();
    let ids: Vec<OrderId> = orders.iter().map(|order| order.id).collect();
    let outcomes = join_all(orders.into_iter().map(|order| app.placing.write(order))).await;
    for (n, outcome) in outcomes.iter().enumerate() {
        assert_eq!(matches!(outcome, Ok(Outcome::Written(_))), n != 40, "{n}: {outcome:?}");
    }
    for table in ["orders", "outbox", "uncounted_orders"] {
        assert_eq!(number(&app, &format!("SELECT count(*) FROM {table}")).await, 99, "{table}");
    }
    let keys = "SELECT count(DISTINCT key) FROM outbox JOIN orders ON key = order_id::text";
    assert_eq!(number(&app, keys).await, 99);
    let items = "SELECT count(*) FROM orders WHERE cardinality(product_ids) = 2 \
         AND quantities = '{1,2}' AND total_minor = 750";
    assert_eq!(number(&app, items).await, 99);
    let resolved = resolve(&app, &ids).await;
    assert_eq!(resolved[40], Resolution::Abandoned);
    assert_eq!(resolved.iter().filter(|r| **r == Resolution::Placed).count(), 99);
}

#[tokio::test(flavor = "multi_thread")]
async fn product_svc_is_told_what_became_of_each_checkout_and_a_cancelled_order_was_placed() {
    let shop = Shop::open().await;
    let app = shop.app();
    let order = write(&app, new_order(&shop.customer, &[(1, 1)])).await;
    shop.cancel(&shop.customer, &order.id.to_string()).await.unwrap();
    let never = Uuid::now_v7().to_string();
    let order_ids = vec![never.clone(), order.id.to_string(), never.clone()];
    for _ in 0..2 {
        let request = ResolveCheckoutsRequest { order_ids: order_ids.clone() };
        let response = shop.checkouts.clone().resolve_checkouts(request).await.unwrap();
        let told: Vec<_> = response
            .into_inner()
            .checkouts
            .into_iter()
            .map(|checkout| (checkout.outcome(), checkout.order_id))
            .collect();
        use CheckoutOutcome::{Abandoned, Placed};
        let want = [
            (Abandoned, never.clone()),
            (Placed, order.id.to_string()),
            (Abandoned, never.clone()),
        ];
        assert_eq!(told, want);
    }
    assert_eq!(number(&app, "SELECT count(*) FROM checkouts").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tombstone_is_no_order_to_anyone() {
    let shop = Shop::open().await;
    let app = shop.app();
    let order = new_order(&shop.customer, &[(1, 1)]);
    resolve(&app, &[order.id]).await;
    assert!(matches!(app.placing.write(order.clone()).await, Ok(Outcome::Abandoned)));
    let id = order.id.to_string();
    let reason = |status| tests::status::reason(&status);
    assert_eq!(reason(shop.get(&shop.customer, &id).await.unwrap_err()), "ORDER_NOT_FOUND");
    assert_eq!(reason(shop.cancel(&shop.customer, &id).await.unwrap_err()), "ORDER_NOT_FOUND");
    assert_eq!(reason(shop.ship(&id).await.unwrap_err()), "ORDER_NOT_FOUND");
    assert_eq!(shop.list_all(Default::default()).await.unwrap().orders, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_of_another_body_stands_with_its_own_fingerprint() {
    let app = app_alone().await;
    let issuer = Issuer::start().await;
    let order = new_order(&issuer.customer(), &[(1, 1)]);
    let other = NewOrder {
        fingerprint: new_order(&issuer.customer(), &[(1, 2)]).fingerprint,
        ..order.clone()
    };
    // In one batch or in two: the first stands.
    for (first, second) in [(order.clone(), other.clone()), (other, order.clone())] {
        let (one, two) = join!(app.placing.write(first), app.placing.write(second));
        for outcome in [one.unwrap(), two.unwrap()] {
            match outcome {
                Outcome::Written(stands) | Outcome::Standing(stands) => {
                    assert_eq!(stands.fingerprint, order.fingerprint);
                    assert_eq!(stands.state, OrderState::Confirmed);
                }
                Outcome::Abandoned => panic!("nobody gave it up"),
            }
        }
    }
}
