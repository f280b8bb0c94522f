//! Regular operations and failures of pods under load.

use std::time::Duration;

use futures::future::join;
use proto::order::v1::PlaceOrderRequest;
use tests::{
    eventually,
    store::{Person, Store, place_order},
};
use tokio::time::{Instant, sleep};

use super::{
    SHARE_DELAY_MAX, handled_calls, kubectl, kubectl::kubectl_failure, pods, services, store,
    under_load,
};

/// Waits until the rollout of a workload is complete.
async fn wait_for_rollout(workload: &str) {
    kubectl(&["rollout", "status", workload, "--timeout=180s"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_during_a_rolling_restart_of_each_service() {
    for service in services() {
        let deployment = format!("deployment/{service}");
        println!("restarting {service}");
        under_load(async {
            kubectl(&["rollout", "restart", &deployment]).await;
            wait_for_rollout(&deployment).await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_when_a_pod_of_each_service_is_deleted() {
    for service in services() {
        println!("deleting a pod of {service}");
        under_load(async {
            let pod = pods(service).await.remove(0);
            kubectl(&["delete", "pod", &pod]).await;
            wait_for_rollout(&format!("deployment/{service}")).await;
        })
        .await;
    }
}

/// Sets the limits of a service's autoscaler, which owns the number of replicas, and returns the
/// pods.
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
async fn each_new_replica_gets_its_share_of_calls_within_ten_seconds() {
    let old_pods = scale("order-svc", 2, 2).await;
    under_load(async {
        let all = scale("order-svc", 4, 4).await;
        let (since, calls_before) = (Instant::now(), handled_calls("order-svc").await);
        let is_new = |pod: &String| !old_pods.contains(pod);
        let waited = eventually("half of a fair share for each new replica", || async {
            let now = handled_calls("order-svc").await;
            let gained = |pod: &String| now.get(pod)?.checked_sub(*calls_before.get(pod)?);
            let gained: Option<Vec<u64>> = all.iter().map(gained).collect();
            let fair = gained.as_ref()?.iter().sum::<u64>() / all.len() as u64;
            let new = all.iter().zip(gained?).filter(|(pod, _)| is_new(pod));
            let shared = new.map(|(_, calls)| calls).min()? >= fair / 2;
            (fair >= 5 && shared).then(|| since.elapsed())
        })
        .await;
        println!("each new replica has its share after {waited:.1?}");
        assert!(waited <= SHARE_DELAY_MAX);
        scale("order-svc", 2, 2).await;
    })
    .await;
    scale("order-svc", 2, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_that_would_evict_the_last_pod_is_rejected() {
    let node = kubectl(&["get", "nodes", "-o", "jsonpath={.items[0].metadata.name}"]).await;
    // The drained node accepts no new pods. The first evicted pod is not replaced, so the
    // disruption budget protects the second.
    let selector =
        "--pod-selector=app.kubernetes.io/name=order-svc,app.kubernetes.io/component=service";
    let error = under_load(async {
        let error = kubectl_failure(&["drain", &node, selector, "--timeout=20s"]).await;
        kubectl(&["uncordon", &node]).await;
        wait_for_rollout("deployment/order-svc").await;
        error
    })
    .await;
    assert!(error.contains("disruption budget"), "{error}");
}

/// Retries with the same request id until the order exists, and returns its id.
async fn place_with_retries(store: &Store, pat: &Person, request: PlaceOrderRequest) -> String {
    eventually("the order", || async {
        let response = store.orders().place_order(pat.request(request.clone())).await.ok()?;
        Some(response.into_inner().order.expect("a response has it").order_id)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_the_pods_of_postgres_and_kafka_loses_no_order_and_no_mail() {
    const ORDERS: usize = 40;
    const INTERVAL: Duration = Duration::from_millis(200);
    let store = store();
    let admin = store.admin().await;
    let cup = store.product(&admin, 250, 2 * ORDERS as i32).await;
    let pat = store.customer().await;
    for server in ["kafka", "postgres"] {
        let pod = format!("{server}-0");
        // Orders are placed from before the deletion until after the pod is ready again.
        let deleting = async {
            kubectl(&["delete", "pod", &pod]).await;
            wait_for_rollout(&format!("statefulset/{server}")).await;
        };
        let placing = async {
            let mut orders = Vec::new();
            for _ in 0..ORDERS {
                let request = place_order(&[(&cup.product_id, 1)]);
                orders.push(place_with_retries(&store, &pat, request).await);
                sleep(INTERVAL).await;
            }
            orders
        };
        let ((), orders) = join(deleting, placing).await;
        for order_id in orders {
            assert_eq!(store.order(&pat, &order_id).await.order_id, order_id);
            store.mail(&pat.user.email, &order_id[..8]).await;
        }
        println!("{pod} was deleted and is ready again; all orders and mails exist");
    }
    store.wait_for_stock(&store.admin().await, &cup.product_id, 0).await;
}
