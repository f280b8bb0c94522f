//! `k8s/base`: the objects of each service, their settings and secrets, and the names in all manifests.

use serde_json::Value;
use topology::Service;

use crate::{
    compose::{callee_urls, split_upstreams},
    differences::Differences,
    files::{self, items, text},
    sources::upstreams_at,
};

/// Compares k8s/base with the table, and the names in all of k8s.
pub fn compare(differences: &mut Differences) {
    for service in Service::all() {
        objects(differences, service);
    }
    kustomization(differences);
    for path in files::under("k8s").iter().filter(|path| !path.starts_with("k8s/schemas")) {
        let text = files::read(path).unwrap_or_default();
        unknown_names(differences, path, &text);
    }
}

/// Adds the services that a text names and the table lacks.
pub fn unknown_names(differences: &mut Differences, path: &str, text: &str) {
    for name in files::service_names(text).filter(|name| Service::named(name).is_none()) {
        differences
            .add(path, &format!("`{name}` is no service of devstack/topology/services.toml"));
    }
}

/// Returns `KIND NAME` of an object.
pub fn title(object: &Value) -> String {
    format!("{} {}", text(object, "/kind"), text(object, "/metadata/name"))
}

/// Returns the values of a field at any depth.
pub fn values<'a>(value: &'a Value, field: &str) -> Vec<&'a Value> {
    match value {
        Value::Object(fields) => {
            let own = fields.get(field).into_iter();
            own.chain(fields.values().flat_map(|inner| values(inner, field))).collect()
        }
        Value::Array(items) => items.iter().flat_map(|inner| values(inner, field)).collect(),
        _ => Vec::new(),
    }
}

/// Returns the names of the Secrets that a service's pods mount or read.
pub fn secrets(service: Service) -> Vec<String> {
    let name = service.name();
    let mut secrets = vec![format!("{name}-tls")];
    if service.database().is_some() {
        secrets.extend(
            ["database", "database-owner", "page-token-key"].map(|kind| format!("{name}-{kind}")),
        );
    }
    secrets
}

fn objects(differences: &mut Differences, service: Service) {
    let name = service.name();
    let path = format!("k8s/base/{name}.yaml");
    let Some(objects) = differences.yaml(&path) else { return };

    let kinds = [
        "ServiceAccount",
        "Service",
        "Deployment",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
    ];
    let mut expected: Vec<String> = kinds.iter().map(|kind| format!("{kind} {name}")).collect();
    if service.database().is_some() {
        expected.push(format!("Job {name}-migrate"));
    }
    differences.compare(&format!("{path}, objects"), objects.iter().map(title), expected);

    let file = Value::Array(objects);
    let images = values(&file, "image").into_iter().filter_map(Value::as_str);
    differences.compare(&format!("{path}, images"), images, [format!("shopmesh/{name}")]);

    let mounted = values(&file, "secretName").into_iter().filter_map(Value::as_str);
    let read = values(&file, "secretKeyRef").into_iter().map(|secret| text(secret, "/name"));
    let used: Vec<&str> = mounted.chain(read).collect();
    for secret in secrets(service).iter().filter(|secret| !used.contains(&secret.as_str())) {
        differences.add(&path, &format!("no pod uses the Secret `{secret}`"));
    }

    let settings = values(&file, "configMapRef").into_iter().map(|map| text(map, "/name"));
    differences.compare(&format!("{path}, configMapRef"), settings, ["mesh", name]);

    let copied = file.to_string();
    for other in files::service_names(&copied).filter(|other| *other != name) {
        differences
            .add(&path, &format!("the service `{other}` is named in the manifest of {name}"));
    }
}

fn kustomization(differences: &mut Differences) {
    const PATH: &str = "k8s/base/kustomization.yaml";
    let Some(documents) = differences.yaml(PATH) else { return };
    let file = &documents[0];

    let resources: Vec<_> = items(file, "/resources").iter().filter_map(Value::as_str).collect();
    for service in Service::all() {
        let resource = format!("{}.yaml", service.name());
        if !resources.contains(&resource.as_str()) {
            differences.add(&format!("{PATH}, resources"), &format!("`{resource}` is missing"));
        }
    }

    let maps = items(file, "/configMapGenerator");
    let names = maps.iter().map(|map| text(map, "/name"));
    let expected = Service::all().map(Service::name).chain(["mesh"]);
    differences.compare(&format!("{PATH}, configMapGenerator"), names, expected);

    for service in Service::all() {
        let map = maps.iter().find(|map| text(map, "/name") == service.name());
        let literals = map.map(|map| items(map, "/literals")).unwrap_or_default();
        let literals = literals.iter().filter_map(Value::as_str).flat_map(split_upstreams);
        let urls = literals.filter(|literal| {
            let (key, _) = literal.split_once('=').unwrap_or_default();
            key.ends_with("_SVC_URL") || key == "UPSTREAMS"
        });
        let mut expected: Vec<String> = callee_urls(service).collect();
        if service == Service::GATEWAY {
            let upstreams = upstreams_at(|callee| format!("{}:50051", callee.name()));
            expected.extend(upstreams.iter().map(|upstream| format!("UPSTREAMS={upstream}")));
        }
        let place = format!("{PATH}, configMapGenerator {}", service.name());
        differences.compare(&place, urls, expected);
    }
}
