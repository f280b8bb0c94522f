//! What operators do every week, and what happens to pods.

use std::time::Duration;

use futures::future::join;
use proto::order::v1::PlaceOrderRequest;
use tests::{
    eventually,
    store::{Person, Store, place_order},
};
use tokio::time::{Instant, sleep};

use super::{
    SHARE_WITHIN, answered, kubectl, kubectl::kubectl_refused, pods, services, store, under_load,
};

async fn rolled_out(workload: &str) {
    kubectl(&["rollout", "status", workload, "--timeout=180s"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_of_each_service_fails_no_request() {
    for service in services() {
        let deployment = format!("deployment/{service}");
        println!("restarting {service}");
        under_load(async {
            kubectl(&["rollout", "restart", &deployment]).await;
            rolled_out(&deployment).await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_pod_of_each_service_fails_no_request() {
    for service in services() {
        println!("deleting a pod of {service}");
        under_load(async {
            let pod = pods(service).await.remove(0);
            kubectl(&["delete", "pod", &pod]).await;
            rolled_out(&format!("deployment/{service}")).await;
        })
        .await;
    }
}

/// The autoscaler owns the number of replicas: this is how an operator asks for more.
async fn scale(service: &str, replicas: usize, replicas_max: usize) -> Vec<String> {
    let patch = format!(r#"{{"spec":{{"minReplicas":{replicas},"maxReplicas":{replicas_max}}}}}"#);
    let autoscaler = format!("horizontalpodautoscaler/{service}");
    kubectl(&["patch", &autoscaler, "--type=merge", "--patch", &patch]).await;
    eventually(&format!("{replicas} pods of {service}"), || async {
        Some(pods(service).await)
            .filter(|pods| pods.len() >= replicas && pods.len() <= replicas_max)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_new_replica_gets_its_share_within_ten_seconds() {
    let before = scale("order-svc", 2, 2).await;
    under_load(async {
        let all = scale("order-svc", 4, 4).await;
        let (since, last) = (Instant::now(), answered("order-svc").await);
        let is_new = |pod: &String| !before.contains(pod);
        let waited = eventually("half of a fair share for each new replica", || async {
            let now = answered("order-svc").await;
            let gained = |pod: &String| now.get(pod)?.checked_sub(*last.get(pod)?);
            let gained: Option<Vec<u64>> = all.iter().map(gained).collect();
            let fair = gained.as_ref()?.iter().sum::<u64>() / all.len() as u64;
            let new = all.iter().zip(gained?).filter(|(pod, _)| is_new(pod));
            let shared = new.map(|(_, calls)| calls).min()? >= fair / 2;
            (fair >= 5 && shared).then(|| since.elapsed())
        })
        .await;
        println!("each new replica has its share after {waited:.1?}");
        assert!(waited <= SHARE_WITHIN);
        scale("order-svc", 2, 2).await;
    })
    .await;
    scale("order-svc", 2, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_that_would_end_the_last_pod_is_refused() {
    let node = kubectl(&["get", "nodes", "-o", "jsonpath={.items[0].metadata.name}"]).await;
    // What was evicted cannot come back to the node, so the second one has to stay.
    let selector =
        "--pod-selector=app.kubernetes.io/name=order-svc,app.kubernetes.io/component=service";
    let refused = under_load(async {
        let refused = kubectl_refused(&["drain", &node, selector, "--timeout=20s"]).await;
        kubectl(&["uncordon", &node]).await;
        rolled_out("deployment/order-svc").await;
        refused
    })
    .await;
    assert!(refused.contains("disruption budget"), "{refused}");
}

/// Asks again with the same id until there is an order, as the contract has it.
async fn placed(store: &Store, pat: &Person, request: PlaceOrderRequest) -> String {
    eventually("the order", || async {
        let response = store.orders().place_order(pat.request(request.clone())).await.ok()?;
        Some(response.into_inner().order.expect("a response has it").order_id)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_postgres_and_of_kafka_loses_no_order_and_no_mail() {
    const ORDERS: usize = 40;
    const PACE: Duration = Duration::from_millis(200);
    let store = store();
    let admin = store.admin().await;
    let cup = store.product(&admin, 250, 2 * ORDERS as i32).await;
    let pat = store.customer().await;
    for server in ["kafka", "postgres"] {
        let pod = format!("{server}-0");
        // One after the other, from before the pod goes until it is back.
        let deleting = async {
            kubectl(&["delete", "pod", &pod]).await;
            rolled_out(&format!("statefulset/{server}")).await;
        };
        let placing = async {
            let mut orders = Vec::new();
            for _ in 0..ORDERS {
                let request = place_order(&[(&cup.product_id, 1)]);
                orders.push(placed(&store, &pat, request).await);
                sleep(PACE).await;
            }
            orders
        };
        let ((), orders) = join(deleting, placing).await;
        for order_id in orders {
            assert_eq!(store.order(&pat, &order_id).await.order_id, order_id);
            store.mail(&pat.user.email, &order_id[..8]).await;
        }
        println!("{pod} ended and is back; all orders and mails are there");
    }
    eventually("each order takes its one", || async {
        let stock = store.stock(&admin, &cup.product_id).await;
        ((stock.on_hand, stock.held) == (0, 0)).then_some(())
    })
    .await;
}
