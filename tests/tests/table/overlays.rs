//! `k8s/overlays`: what each has for every service, database and topic.

use serde_json::Value;
use topology::Service;

use crate::{
    contract,
    differences::Differences,
    files::{self, items, text},
    kubernetes::{secrets, values},
};

const DEV: &str = "k8s/overlays/dev";
const PROD: &str = "k8s/overlays/prod";

/// Compares k8s/overlays/dev with the table.
pub fn compare_dev(differences: &mut Differences) {
    images(differences, DEV, topology::images());

    let path = format!("{DEV}/databases.sh");
    let script = differences.read(&path).unwrap_or_default();
    let databases = files::shell_lists(&script).flatten();
    differences.compare(&path, databases, Service::all().filter_map(Service::database));

    let path = format!("{DEV}/postgres.yaml");
    let objects = Value::Array(differences.yaml(&path).unwrap_or_default());
    let variables = values(&objects, "env").into_iter().filter_map(Value::as_array).flatten();
    let passwords = variables.filter(|variable| text(variable, "/name").ends_with("_PASSWORD"));
    let passwords = passwords.map(|variable| {
        let secret = text(variable, "/valueFrom/secretKeyRef/name");
        format!("{} from {secret}", text(variable, "/name"))
    });
    let passwords = passwords.filter(|password| !password.starts_with("POSTGRES_"));
    let expected = with_database().flat_map(|(service, database)| {
        let (variable, name) = (database.to_ascii_uppercase(), service.name());
        [
            format!("{variable}_PASSWORD from {name}-database"),
            format!("{variable}_OWNER_PASSWORD from {name}-database-owner"),
        ]
    });
    differences.compare(&format!("{path}, env"), passwords, expected);
}

/// Compares k8s/overlays/prod with the table.
pub fn compare_prod(differences: &mut Differences) {
    images(differences, PROD, Service::all().map(Service::name));
    certificates(differences);
    databases(differences);
    external_secrets(differences);
    topics(differences);
    scaling(differences);
}

fn with_database() -> impl Iterator<Item = (Service, &'static str)> {
    Service::all().filter_map(|service| Some((service, service.database()?)))
}

/// Returns the objects of one kind in a file.
fn objects(differences: &mut Differences, path: &str, kind: &str) -> Vec<Value> {
    let objects = differences.yaml(path).unwrap_or_default();
    objects.into_iter().filter(|object| text(object, "/kind") == kind).collect()
}

fn images(
    differences: &mut Differences,
    overlay: &str,
    expected: impl Iterator<Item = &'static str>,
) {
    let path = format!("{overlay}/kustomization.yaml");
    let documents = differences.yaml(&path).unwrap_or_default();
    let images = documents.iter().flat_map(|file| items(file, "/images"));
    let images = images.map(|image| text(image, "/name"));
    let expected = expected.map(|name| format!("shopmesh/{name}"));
    differences.compare(&format!("{path}, images"), images, expected);
}

fn certificates(differences: &mut Differences) {
    let path = format!("{PROD}/certificates.yaml");
    let certificates = objects(differences, &path, "Certificate");
    let found = certificates.iter().filter(|object| object["spec"]["isCA"] != true).map(|object| {
        let spec = |field| text(object, &format!("/spec/{field}"));
        let (dns, secret) = (spec("dnsNames/0"), spec("secretName"));
        let name = text(object, "/metadata/name");
        format!("{name} of {} and {dns} in {secret}", spec("commonName"))
    });
    let expected =
        Service::all().map(|service| format!("{0} of {0} and {0} in {0}-tls", service.name()));
    differences.compare(&format!("{path}, Certificate"), found, expected);
}

fn databases(differences: &mut Differences) {
    let path = format!("{PROD}/postgres.yaml");
    let clusters = objects(differences, &path, "Cluster");
    let roles = clusters.iter().flat_map(|cluster| items(cluster, "/spec/managed/roles"));
    let roles = roles
        .map(|role| format!("{} by {}", text(role, "/name"), text(role, "/passwordSecret/name")));
    let expected = with_database().flat_map(|(service, database)| {
        let secret = format!("{}-database", service.name());
        [format!("{database} by {secret}"), format!("{database}_owner by {secret}-owner")]
    });
    differences.compare(&format!("{path}, managed.roles"), roles, expected);

    let databases = objects(differences, &path, "Database");
    let databases = databases.iter().map(|object| {
        let (name, spec) = (text(object, "/metadata/name"), text(object, "/spec/name"));
        format!("{name} as {spec} of {}", text(object, "/spec/owner"))
    });
    let expected = with_database().map(|(_, name)| format!("{name} as {name} of {name}_owner"));
    differences.compare(&format!("{path}, Database"), databases, expected);
}

fn external_secrets(differences: &mut Differences) {
    let path = format!("{PROD}/secrets.yaml");
    let objects = objects(differences, &path, "ExternalSecret");
    let described = objects.iter().map(|object| {
        let name = text(object, "/metadata/name");
        let target = text(object, "/spec/target/name");
        let key = text(object, "/spec/dataFrom/0/extract/key");
        let user = text(object, "/spec/target/template/data/username");
        format!("{name} as {target} from {key} {user}").trim_end().to_owned()
    });
    let per_service = ["-database ", "-database-owner ", "-page-token-key "];
    let described = described.filter(|line| per_service.iter().any(|end| line.contains(end)));
    let expected = with_database().flat_map(|(service, database)| {
        let name = service.name();
        [
            format!("{name}-database as {name}-database from database/{name} {database}"),
            format!(
                "{name}-database-owner as {name}-database-owner from database-owner/{name} {database}_owner"
            ),
            format!("{name}-page-token-key as {name}-page-token-key from page-token/{name}"),
        ]
    });
    differences.compare(&format!("{path}, ExternalSecret"), described, expected);

    let urls = objects.iter().filter_map(|object| {
        let url = text(object, "/spec/target/template/data/url");
        (!url.is_empty()).then_some(url)
    });
    let expected = with_database().flat_map(|(_, name)| {
        [name.to_owned(), format!("{name}_owner")].map(|role| {
            format!(
                "postgres://{role}:{{{{ .password }}}}@postgres-rw:5432/{name}?sslmode=verify-full"
            )
        })
    });
    differences.compare(&format!("{path}, url"), urls, expected);

    // What base uses and no certificate gives, this file gives.
    let provided: Vec<&str> =
        objects.iter().map(|object| text(object, "/spec/target/name")).collect();
    for service in Service::all() {
        let base = format!("k8s/base/{}.yaml", service.name());
        let Some(manifest) = files::read(&base) else { continue };
        let manifest: Vec<Value> = serde_saphyr::from_multiple(&manifest).expect("YAML");
        let manifest = Value::Array(manifest);
        let mounted = values(&manifest, "secretName").into_iter().filter_map(Value::as_str);
        let read = values(&manifest, "secretKeyRef").into_iter().map(|key| text(key, "/name"));
        for secret in mounted.chain(read).filter(|secret| !secret.ends_with("-tls")) {
            if !provided.contains(&secret) && !secrets(service).iter().any(|own| own == secret) {
                differences.add(&path, &format!("{base} uses `{secret}`, which is missing"));
            }
        }
    }
}

fn topics(differences: &mut Differences) {
    let path = format!("{PROD}/kafka.yaml");
    let found = objects(differences, &path, "KafkaTopic");
    let found = found.iter().map(|object| {
        let spec = &object["spec"];
        let retention = &spec["config"]["retention.ms"];
        let name = text(object, "/metadata/name");
        format!("{name} with {} partitions for {retention} ms", spec["partitions"])
    });
    let shared = topology::topics();
    let (partitions, retention) = (shared.partitions, shared.retention().as_millis());
    let expected = contract::topics().into_iter().flat_map(|topic| {
        let topic = topic.name;
        [topic.clone(), format!("{topic}-dlq")]
            .map(|name| format!("{name} with {partitions} partitions for {retention} ms"))
    });
    differences.compare(&format!("{path}, KafkaTopic"), found, expected);
}

/// KEDA scales a service by the lag of its own consumer group.
fn scaling(differences: &mut Differences) {
    let path = format!("{PROD}/scaling.yaml");
    for object in objects(differences, &path, "ScaledObject") {
        let target = text(&object, "/spec/scaleTargetRef/name");
        let consumes = Service::named(target).is_some_and(|service| !service.consumes().is_empty());
        if !consumes {
            differences.add(&path, &format!("`{target}` consumes no topic"));
        }
        let groups = values(&object, "consumerGroup").into_iter().filter_map(Value::as_str);
        differences.compare(&format!("{path}, consumerGroup of {target}"), groups, [target]);
    }
}
