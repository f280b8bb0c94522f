//! The network policies: which pods may connect to which, computed as Kubernetes does, against the call graph.
//! `tests/tests/cluster/edges.rs` tries the same from inside pods.

use std::collections::BTreeMap;

use serde_json::Value;
use tests::edges;
use topology::Service;

use crate::{
    differences::Differences,
    files::{items, text},
};

const BASE: &str = "k8s/base/network-policies.yaml";
const NAME: &str = "app.kubernetes.io/name";
const COMPONENT: &str = "app.kubernetes.io/component";

/// Compares what the policies of each overlay allow with the call graph.
pub fn compare(differences: &mut Differences) {
    for overlay in ["dev", "prod"] {
        let path = format!("k8s/overlays/{overlay}/network-policies.yaml");
        let Some(base) = differences.yaml(BASE) else { return };
        let Some(own) = differences.yaml(&path) else { return };
        let policies = Policies(base.into_iter().chain(own).collect());
        edges(differences, &format!("{BASE} and {path}"), &policies);
        if overlay == "prod" {
            let mailers = Service::all().filter(|service| policies.leave(&Pod::service(*service)));
            let expected = Service::all().filter(|service| service.sends_mail());
            let place = format!("{path}, pods that reach the mail provider");
            differences.compare(&place, mailers.map(Service::name), expected.map(Service::name));
        }
    }
}

fn edges(differences: &mut Differences, place: &str, policies: &Policies) {
    let mut sources: Vec<(String, Pod, bool)> = Vec::new();
    for service in Service::all() {
        sources.push((service.name().to_owned(), Pod::service(service), true));
    }
    for service in Service::with_database() {
        let migration = Pod::new(&[(NAME, service.name()), (COMPONENT, "migration")]);
        sources.push((format!("the migration of {}", service.name()), migration, false));
    }
    sources.push(("a stranger".to_owned(), Pod::new(&[(NAME, "stranger")]), false));

    let targets = edges::targets();
    let in_prod = place.contains("overlays/prod");
    for (title, from, is_service) in &sources {
        for (to, port) in targets.iter().filter(|(to, _)| !(in_prod && *to == "mailbox")) {
            // A migration connects to PostgreSQL and Kafka, and to nothing else.
            let caller = if *is_service || is_server(to) { from.name() } else { "" };
            let expected = edges::is_edge(caller, to, *port);
            let allowed = policies.allow(from, &Pod::target(to), *port);
            if expected && !allowed {
                differences.add(place, &format!("{title} cannot reach {to}:{port}"));
            }
            if allowed && !expected {
                differences.add(place, &format!("{title} reaches {to}:{port}, which is no edge"));
            }
        }
    }
}

fn is_server(name: &str) -> bool {
    ["postgres", "kafka"].contains(&name)
}

/// The labels of a pod.
struct Pod(BTreeMap<String, String>);

impl Pod {
    fn new(labels: &[(&str, &str)]) -> Self {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Self(labels.iter().map(owned).collect())
    }

    fn service(service: Service) -> Self {
        Self::new(&[(NAME, service.name()), (COMPONENT, "service")])
    }

    /// The pods of a service or server. Operators add a label of their own to servers.
    fn target(name: &str) -> Self {
        match name {
            "postgres" => Self::new(&[(NAME, name), ("cnpg.io/cluster", name)]),
            "kafka" => Self::new(&[(NAME, name), ("strimzi.io/cluster", name)]),
            "mailbox" => Self::new(&[(NAME, name)]),
            _ => Self::new(&[(NAME, name), (COMPONENT, "service")]),
        }
    }

    fn name(&self) -> &str {
        &self.0[NAME]
    }

    /// Whether a label selector selects it.
    fn matches(&self, selector: &Value) -> bool {
        let labels = selector["matchLabels"].as_object().into_iter().flatten();
        let mut labels = labels.map(|(key, value)| (key, vec![value.as_str().unwrap_or_default()]));
        let expressions = items(selector, "/matchExpressions").iter().map(|expression| {
            assert_eq!(expression["operator"], "In", "the only operator that is needed so far");
            let values = items(expression, "/values").iter().filter_map(Value::as_str).collect();
            (text(expression, "/key"), values)
        });
        let has = |key: &str, values: &[&str]| {
            self.0.get(key).is_some_and(|value| values.contains(&value.as_str()))
        };
        labels.all(|(key, values)| has(key, &values))
            && expressions.into_iter().all(|(key, values): (_, Vec<&str>)| has(key, &values))
    }
}

/// All NetworkPolicies of a namespace.
struct Policies(Vec<Value>);

impl Policies {
    /// Whether both ends allow a connection.
    fn allow(&self, from: &Pod, to: &Pod, port: u16) -> bool {
        let leaves = self.rules(from, "Egress", "egress");
        let enters = self.rules(to, "Ingress", "ingress");
        leaves.iter().any(|rule| opens(rule, "to", to, port))
            && enters.iter().any(|rule| opens(rule, "from", from, port))
    }

    /// Whether a pod may connect to addresses outside the cluster, but for the API server.
    fn leave(&self, from: &Pod) -> bool {
        let rules = self.rules(from, "Egress", "egress");
        rules.iter().any(|rule| items(rule, "/to").iter().any(|peer| peer.get("ipBlock").is_some()))
    }

    /// The rules of one direction for a pod. `default-deny` selects every pod, so without a rule nothing passes.
    fn rules(&self, pod: &Pod, direction: &str, field: &str) -> Vec<&Value> {
        let policies = self.0.iter().filter(|policy| {
            let types = items(policy, "/spec/policyTypes");
            types.iter().any(|kind| kind == direction)
                && pod.matches(&policy["spec"]["podSelector"])
        });
        policies.flat_map(|policy| items(policy, &format!("/spec/{field}"))).collect()
    }
}

/// Whether a rule lets a pod of the same namespace pass at a port.
fn opens(rule: &Value, peers: &str, pod: &Pod, port: u16) -> bool {
    let ports = items(rule, "/ports");
    let at_port = ports.is_empty() || ports.iter().any(|open| open["port"] == port);
    let peers = rule.get(peers).and_then(Value::as_array);
    let by_pod = |peer: &Value| {
        peer.get("namespaceSelector").is_none()
            && peer.get("podSelector").is_some_and(|selector| pod.matches(selector))
    };
    at_port && peers.is_none_or(|peers| peers.iter().any(by_pod))
}
