//! The documents: the tables of ARCHITECTURE.md, the lists of docs/operations.md, and names everywhere.

use std::collections::BTreeSet;

use topology::Service;

use crate::{contract, differences::Differences, files, kubernetes::unknown_names};

const ARCHITECTURE: &str = "ARCHITECTURE.md";
const OPERATIONS: &str = "docs/operations.md";
const SECURITY: &str = "docs/security.md";

/// Compares the documents with the table.
pub fn compare(differences: &mut Differences) {
    readme(differences);
    services(differences);
    topics(differences);
    operations(differences);
    security(differences);
    for path in [ARCHITECTURE, OPERATIONS, "README.md", "Makefile", "Dockerfile"] {
        let text = differences.read(path).unwrap_or_default();
        unknown_names(differences, path, &text);
    }
    for path in files::under("scripts") {
        let text = files::read(&path).unwrap_or_default();
        for name in files::service_names(&text) {
            differences.add(&path, &format!("`{name}` is named; read scripts/image-names"));
        }
    }
}

/// The picture of the README shows every service.
fn readme(differences: &mut Differences) {
    let Some(text) = differences.read("README.md") else { return };
    for service in Service::all().filter(|service| !text.contains(service.name())) {
        differences.add("README.md", &format!("`{}` is missing", service.name()));
    }
}

/// The table of services: whom each calls, and by which methods.
fn services(differences: &mut Differences) {
    let rows = rows(differences, "service");
    let names = rows.iter().map(|row| row[0].trim_matches('`'));
    let place = format!("{ARCHITECTURE}, table of services");
    differences.compare(&place, names, Service::all().map(Service::name));
    for row in &rows {
        let Some(service) = Service::named(row[0].trim_matches('`')) else { continue };
        let calls = row.last().map(String::as_str).unwrap_or_default();
        let place = format!("{place}, calls of {}", service.name());
        let callees = service.calls().map(Service::name);
        differences.compare(&place, files::service_names(calls), callees);
        let methods = service.calls().flat_map(|callee| service.methods(callee));
        for method in methods.filter(|method| !calls.contains(&format!("`{method}`"))) {
            differences.add(&place, &format!("`{method}` is missing"));
        }
    }
}

/// The table of topics: who publishes and who consumes each.
fn topics(differences: &mut Differences) {
    let place = format!("{ARCHITECTURE}, table of topics");
    let mut found = BTreeSet::new();
    for row in rows(differences, "topic") {
        let (from, to) = row[1].split_once('→').unwrap_or_default();
        for topic in row[0].split(',').map(|topic| topic.trim().trim_matches('`')) {
            let mut ends: Vec<String> =
                files::service_names(from).map(|name| format!("{topic} from {name}")).collect();
            ends.extend(files::service_names(to).map(|name| format!("{topic} to {name}")));
            found.extend(ends);
        }
    }
    let mut expected = BTreeSet::new();
    for topic in contract::topics() {
        expected.insert(format!("{} from {}", topic.name, topic.producer.name()));
        let consumers = Service::all().filter(|service| service.consumes().contains(&topic.name));
        expected.extend(consumers.map(|service| format!("{} to {}", topic.name, service.name())));
    }
    differences.compare(&place, found, expected);
}

/// Returns the rows of the table of ARCHITECTURE.md whose first column has this title.
fn rows(differences: &mut Differences, title: &str) -> Vec<Vec<String>> {
    let text = differences.read(ARCHITECTURE).unwrap_or_default();
    let is_head = |line: &&str| cells(line).first().is_some_and(|cell| cell == title);
    let table =
        text.lines().skip_while(|line| !is_head(line)).take_while(|line| line.starts_with('|'));
    let rows: Vec<_> = table.skip(2).map(cells).collect();
    if rows.is_empty() {
        differences.add(ARCHITECTURE, &format!("no table has the first column `{title}`"));
    }
    rows
}

fn cells(line: &str) -> Vec<String> {
    let Some(inner) = line.strip_prefix('|').and_then(|rest| rest.strip_suffix('|')) else {
        return Vec::new();
    };
    inner.split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// The commands that do something for each database, and the advice on each alert.
fn operations(differences: &mut Differences) {
    let Some(text) = differences.read(OPERATIONS) else { return };
    let databases: Vec<&str> = Service::all().filter_map(Service::database).collect();
    for list in files::shell_lists(&text).filter(|list| databases.contains(&list[0])) {
        let place = format!("{OPERATIONS}, for name in {}", list.join(" "));
        differences.compare(&place, list, databases.iter().copied());
    }
    let rules = differences.read("k8s/overlays/prod/monitoring.yaml").unwrap_or_default();
    let alerts = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    let rows = text.lines().filter(|line| line.starts_with("| Shopmesh"));
    let explained: Vec<String> = rows.filter_map(|row| cells(row).into_iter().next()).collect();
    let explained = explained.iter().flat_map(|cell| cell.split(", "));
    differences.compare(&format!("{OPERATIONS}, alerts"), explained, alerts);
}

/// The tests that docs/security.md names exist.
fn security(differences: &mut Differences) {
    let Some(text) = differences.read(SECURITY) else { return };
    let requirements = text.lines().filter(|line| line.starts_with("| S"));
    let names = requirements.flat_map(|line| line.split('`').skip(1).step_by(2));
    let names = names.filter(|name| name.matches('_').count() > 2);
    let sources: String = ["mesh", "mesh-data", "gateway", "tests"]
        .into_iter()
        .chain(Service::with_database().map(Service::name))
        .flat_map(files::under)
        .filter(|path| path.ends_with(".rs"))
        .filter_map(|path| files::read(&path))
        .collect();
    for name in names.filter(|name| !sources.contains(&format!("fn {name}("))) {
        differences.add(SECURITY, &format!("no test is called `{name}`"));
    }
}
