//! The store in a real cluster, as `k8s/overlays/dev` makes it, under a steady load through the gateway: what
//! operators do to it, and what happens to it. `make k8s-test` runs these, one after the other.

mod edges;
mod kubectl;
mod load;
mod upkeep;

use std::{collections::BTreeMap, time::Duration};

use tests::store::{Protocol, Store};
use topology::Service;

use crate::{kubectl::kubectl, load::under_load};

/// How long a new replica may take to get its share, from when it is ready.
const SHARE_WITHIN: Duration = Duration::from_secs(10);

/// Returns the names of all services.
fn services() -> impl Iterator<Item = &'static str> {
    Service::all().map(Service::name)
}

/// The store behind the gateway in the cluster.
fn store() -> Store {
    Store::shared(Protocol::Grpc)
}

/// The pods of a service that are ready and stay.
async fn pods(service: &str) -> Vec<String> {
    let selector = format!("app.kubernetes.io/name={service},app.kubernetes.io/component=service");
    let template = "{range .items[?(@.status.containerStatuses[0].ready==true)]}\
        {.metadata.name}={.metadata.deletionTimestamp}\n{end}";
    let output = format!("jsonpath={template}");
    let listed = kubectl(&["get", "pods", "-l", &selector, "-o", &output]).await;
    listed.lines().filter_map(|line| line.strip_suffix('=')).map(str::to_owned).collect()
}

/// Calls that each pod of a service has answered so far.
async fn answered(service: &str) -> BTreeMap<String, u64> {
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
