//! The broker: every listener has TLS and client certificates, and a service may use only its own
//! topics.

use serde_json::Value;
use setup::acl::{self, Operation, Resource, Rule};
use topology::Service;

use crate::{
    differences::Differences,
    files::{items, text},
    kubernetes::values,
};

const CLUSTER: &str = "k8s/overlays/prod/kafka.yaml";
const USERS: &str = "k8s/overlays/prod/kafka-users.yaml";
const CLIENTS: &str = "k8s/overlays/prod/kafka-clients.yaml";

/// Who reads the consumer lag, beside the services.
const SCALER: &str = "keda";

/// Compares the listeners and users of all brokers with the table.
pub fn compare(differences: &mut Differences) {
    listeners(differences);
    users(differences);
    mounts(differences);
    own_broker(differences, "k8s/overlays/dev/kafka.yaml");
    own_broker(differences, "compose.yaml");
}

fn objects(differences: &mut Differences, path: &str, kind: &str) -> Vec<Value> {
    let objects = differences.yaml(path).unwrap_or_default();
    objects.into_iter().filter(|object| text(object, "/kind") == kind).collect()
}

/// Strimzi opens a listener without `networkPolicyPeers` to all pods of the cluster.
fn listeners(differences: &mut Differences) {
    for cluster in objects(differences, CLUSTER, "Kafka") {
        if text(&cluster, "/spec/kafka/authorization/type") != "simple" {
            differences.add(CLUSTER, "spec.kafka.authorization is missing");
        }
        for listener in items(&cluster, "/spec/kafka/listeners") {
            let place = format!("{CLUSTER}, listener {}", text(listener, "/name"));
            if listener["tls"] != true {
                differences.add(&place, "`tls: true` is missing");
            }
            if text(listener, "/authentication/type") != "tls" {
                differences.add(&place, "`authentication: {type: tls}` is missing");
            }
            let peers = items(listener, "/networkPolicyPeers");
            let selected = peers.iter().flat_map(|peer| values(peer, "values"));
            let pods = selected.filter_map(Value::as_array).flatten().filter_map(Value::as_str);
            let expected = Service::with_database().map(Service::name);
            differences.compare(&format!("{place}, networkPolicyPeers"), pods, expected);
        }
    }
}

/// Each service with rules has a KafkaUser with exactly those.
fn users(differences: &mut Differences) {
    let users = objects(differences, USERS, "KafkaUser");
    let names = users.iter().map(|user| text(user, "/metadata/name"));
    let expected = Service::with_database().map(Service::name).chain([SCALER]);
    differences.compare(&format!("{USERS}, KafkaUser"), names, expected);

    for user in &users {
        let name = text(user, "/metadata/name");
        let place = format!("{USERS}, KafkaUser {name}");
        if text(user, "/spec/authentication/type") != "tls" {
            differences.add(&place, "`authentication: {type: tls}` is missing");
        }
        let found = items(user, "/spec/authorization/acls").iter().flat_map(stated_rules);
        match Service::named(name) {
            Some(service) => {
                let expected = acl::rules(service);
                differences.compare(&place, found, expected.iter().map(expected_rule));
            }
            None => {
                for more in found.filter(|rule| !rule.starts_with("Describe ")) {
                    differences.add(&place, &format!("`{more}` is more than Describe"));
                }
            }
        }
    }
}

/// Returns `OPERATION KIND NAME` of each operation of an ACL of Strimzi.
fn stated_rules(acl: &Value) -> Vec<String> {
    let kind = text(acl, "/resource/type");
    let name = text(acl, "/resource/name");
    let prefix = if text(acl, "/resource/patternType") == "prefix" { "*" } else { "" };
    let operations = items(acl, "/operations").iter().filter_map(Value::as_str);
    operations.map(|operation| format!("{operation} {kind} {name}{prefix}")).collect()
}

fn expected_rule(rule: &Rule) -> String {
    let operation = match rule.operation {
        Operation::Read => "Read",
        Operation::Write => "Write",
    };
    match &rule.resource {
        Resource::Topic(name) => format!("{operation} topic {name}"),
        Resource::Group(name) => format!("{operation} group {name}"),
        Resource::Groups(prefix) => format!("{operation} group {prefix}*"),
    }
}

/// Each file of a projected volume has one source: the Secret of a KafkaUser has a `ca.crt` of its own,
/// which would replace that of the brokers.
fn mounts(differences: &mut Differences) {
    for deployment in objects(differences, CLIENTS, "Deployment") {
        let place = format!("{CLIENTS}, {}", text(&deployment, "/metadata/name"));
        for source in
            values(&deployment, "sources").into_iter().filter_map(Value::as_array).flatten()
        {
            if items(source, "/secret/items").is_empty() {
                let name = text(source, "/secret/name");
                differences.add(&place, &format!("the secret `{name}` has no `items`"));
            }
        }
    }
}

/// A broker that no operator configures.
fn own_broker(differences: &mut Differences, path: &str) {
    let file = differences.read(path).unwrap_or_default();
    for setting in [
        ("KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", "MESH:SSL,CONTROLLER:SSL"),
        ("KAFKA_SSL_CLIENT_AUTH", "required"),
        ("KAFKA_AUTHORIZER_CLASS_NAME", "StandardAuthorizer"),
        ("KAFKA_SUPER_USERS", "User:kafka;User:setup"),
    ] {
        let (name, value) = setting;
        let has =
            |line: &str| line.contains(&format!("{name}:")) || line.contains(&format!("{name},"));
        if !file.lines().any(|line| has(line) && line.contains(value)) {
            differences.add(path, &format!("`{name}` is not {value}"));
        }
    }
}
