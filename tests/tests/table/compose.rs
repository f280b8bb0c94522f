//! `compose.yaml`: a container of each service, its migration, and the settings of both.

use serde_json::Value;
use topology::Service;

use crate::{
    differences::Differences,
    files::{items, text},
    sources::upstreams_at,
};

const PATH: &str = "compose.yaml";

/// Compares compose.yaml with the table.
pub fn compare(differences: &mut Differences) {
    let Some(documents) = differences.yaml(PATH) else { return };
    let [file] = documents.as_slice() else { panic!("{PATH} is one document") };
    let containers = file["services"].as_object().expect("services");
    let own = containers.iter().filter_map(|(name, container)| {
        let image = text(container, "/image").strip_prefix("shopmesh/")?;
        Some((name, container, image.trim_end_matches(":dev")))
    });

    let serving = own.clone().filter(|(_, container, _)| container.get("command").is_none());
    let serving = serving.map(|(name, _, image)| format!("{name} of image {image}"));
    let expected = Service::all().map(|service| format!("{0} of image {0}", service.name()));
    differences.compare(&format!("{PATH}, services"), serving, expected);

    let migrations = own.clone().filter(|(_, container, _)| command(container) == ["migrate"]);
    let migrations = migrations.map(|(name, _, image)| format!("{name} of image {image}"));
    let expected =
        Service::with_database().map(|service| format!("{0}-migrate of image {0}", service.name()));
    differences.compare(&format!("{PATH}, migrations"), migrations, expected);

    for (name, _, image) in own.filter(|(_, _, image)| !topology::images().any(|i| i == *image)) {
        differences.add(PATH, &format!("`{name}` has the unknown image `{image}`"));
    }

    for service in Service::all() {
        let name = service.name();
        if let Some(container) = containers.get(name) {
            settings(differences, service, name, container);
        }
        let migration = format!("{name}-migrate");
        if let Some(container) = containers.get(&migration) {
            settings(differences, service, &migration, container);
            let owner = environment(container);
            let owner = owner.filter(|variable| variable.starts_with("MIGRATION_DATABASE_URL"));
            let expected = service.database().map(|name| {
                let address = format!("{name}_owner:{name}-owner@postgres:5432/{name}");
                format!("MIGRATION_DATABASE_URL=postgres://{address}?sslmode=disable")
            });
            let place = format!("{PATH}, owner of the database of {name}");
            differences.compare(&place, owner, expected);
        }
    }

    let passwords = environment(&containers["postgres"]);
    let passwords = passwords.filter(|variable| !variable.starts_with("POSTGRES"));
    let expected = Service::all().filter_map(Service::database);
    let expected = expected.flat_map(|name| {
        let variable = name.to_ascii_uppercase();
        [format!("{variable}_PASSWORD={name}"), format!("{variable}_OWNER_PASSWORD={name}-owner")]
    });
    differences.compare(&format!("{PATH}, environment of postgres"), passwords, expected);
}

/// Compares what differs from service to service.
fn settings(differences: &mut Differences, service: Service, container: &str, value: &Value) {
    let name = service.name();
    let mut expected = vec![
        format!("TLS_CERT_FILE=/state/tls/{name}.pem"),
        format!("TLS_KEY_FILE=/state/tls/{name}-key.pem"),
    ];
    if let Some(database) = service.database() {
        expected.push(format!("KAFKA_TLS_CERT_FILE=/state/tls/{name}.pem"));
        expected.push(format!("KAFKA_TLS_KEY_FILE=/state/tls/{name}-key.pem"));
        expected.push(format!("PAGE_TOKEN_KEY_FILE=/state/secrets/{name}-page-token-key"));
        expected.push(format!(
            "DATABASE_URL=postgres://{database}:{database}@postgres:5432/{database}?sslmode=disable"
        ));
    }
    expected.extend(callee_urls(service));
    if service == Service::GATEWAY {
        let upstreams = upstreams_at(|callee| format!("{}:50051", callee.name()));
        expected.extend(upstreams.iter().map(|upstream| format!("UPSTREAMS={upstream}")));
    }
    let names = [
        "TLS_CERT",
        "TLS_KEY",
        "KAFKA_TLS_CERT",
        "KAFKA_TLS_KEY",
        "PAGE_TOKEN_KEY",
        "DATABASE_URL",
        "UPSTREAMS",
    ];
    let compared = environment(value).flat_map(|variable| split_upstreams(&variable));
    let compared = compared.filter(|variable| {
        let (key, _) = variable.split_once('=').unwrap_or_default();
        names.iter().any(|name| key.starts_with(name)) || key.ends_with("_SVC_URL")
    });
    differences.compare(&format!("{PATH}, environment of {container}"), compared, expected);
}

/// Returns `ORDER_SVC_URL=https://order-svc:50051` of each service that `service` calls by itself.
pub fn callee_urls(service: Service) -> impl Iterator<Item = String> {
    let callees = service.calls().filter(move |callee| service.methods(*callee).next().is_some());
    callees.map(|callee| format!("{}_SVC_URL=https://{}:50051", callee.prefix(), callee.name()))
}

/// Splits `UPSTREAMS=A,B` into `UPSTREAMS=A` and `UPSTREAMS=B`, so that a difference names one.
pub fn split_upstreams(variable: &str) -> Vec<String> {
    match variable.strip_prefix("UPSTREAMS=") {
        Some(list) => list.split(',').map(|upstream| format!("UPSTREAMS={upstream}")).collect(),
        None => vec![variable.to_owned()],
    }
}

fn command(container: &Value) -> Vec<&str> {
    items(container, "/command").iter().filter_map(Value::as_str).collect()
}

fn environment(container: &Value) -> impl Iterator<Item = String> {
    let variables = container["environment"].as_object().into_iter().flatten();
    variables.map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
}
