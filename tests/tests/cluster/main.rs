//! Tests of the store in a cluster to which `k8s/overlays/dev` is applied: operations and faults
//! under a steady load through the gateway, and network policies. `make k8s-test` runs them, one
//! after the other.

mod edges;
mod kubectl;
mod load;
mod operations;

use std::{collections::BTreeMap, time::Duration};

use tests::store::{Protocol, Store};
use topology::Service;

use crate::{kubectl::kubectl, load::under_load};

/// The longest time from when a new replica is ready until it gets its share of the calls.
const SHARE_DELAY_MAX: Duration = Duration::from_secs(10);

/// Returns the names of all services.
fn services() -> impl Iterator<Item = &'static str> {
    Service::all().map(Service::name)
}

/// Returns the store behind the gateway of the cluster.
fn store() -> Store {
    Store::shared(Protocol::Grpc)
}

/// Returns the pods of a service that are ready and not being deleted.
async fn pods(service: &str) -> Vec<String> {
    let selector = format!("app.kubernetes.io/name={service},app.kubernetes.io/component=service");
    let template = "{range .items[?(@.status.containerStatuses[0].ready==true)]}\
        {.metadata.name}={.metadata.deletionTimestamp}\n{end}";
    let output = format!("jsonpath={template}");
    let pods = kubectl(&["get", "pods", "-l", &selector, "-o", &output]).await;
    pods.lines().filter_map(|line| line.strip_suffix('=')).map(str::to_owned).collect()
}

/// Returns the number of calls that each pod of a service has handled.
async fn handled_calls(service: &str) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for pod in pods(service).await {
        let path = format!("/api/v1/namespaces/shopmesh/pods/{pod}:9090/proxy/metrics");
        let text = kubectl(&["get", "--raw", &path]).await;
        let lines = text.lines().filter(|line| line.starts_with("grpc_server_handled_total"));
        let count = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum();
        counts.insert(pod, count);
    }
    counts
}
