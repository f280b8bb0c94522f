//! The documents: the tables of ARCHITECTURE.md, the lists of docs/operations.md, and names everywhere.

use std::collections::{BTreeMap, BTreeSet};

use topology::Service;

use crate::{contract, differences::Differences, files, kubernetes::unknown_names};

const ARCHITECTURE: &str = "ARCHITECTURE.md";
const OPERATIONS: &str = "docs/operations.md";
const SECURITY: &str = "docs/security.md";
const GUARANTEES: &str = "docs/guarantees.md";

/// Compares the documents with the table.
pub fn compare(differences: &mut Differences) {
    readme(differences);
    services(differences);
    topics(differences);
    operations(differences);
    tests_of(differences, SECURITY);
    tests_of(differences, GUARANTEES);
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
        let producers = topic.producers.iter();
        expected.extend(producers.map(|service| format!("{} from {}", topic.name, service.name())));
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

/// The tests and the test files that the tables of a document name exist: a test in the crate that
/// stands before it, or in any.
fn tests_of(differences: &mut Differences, path: &str) {
    let Some(text) = differences.read(path) else { return };
    let crates: Vec<&str> = ["mesh", "mesh-data", "gateway", "tests"]
        .into_iter()
        .chain(Service::with_database().map(Service::name))
        .collect();
    let tests: BTreeMap<&str, BTreeSet<String>> =
        crates.iter().map(|krate| (*krate, tests_in(krate))).collect();
    for cell in text.lines().flat_map(cells) {
        let mut krate = None;
        for (n, part) in cell.split('`').enumerate() {
            if n % 2 == 0 {
                let words = part.split(|c: char| c.is_whitespace() || ",;()".contains(c));
                let mut named =
                    words.filter_map(|word| crates.iter().find(|krate| **krate == word));
                krate = named.next_back().copied().or(krate.filter(|_| !part.contains(';')));
            } else if part.ends_with(".rs") || part.ends_with(".py") {
                differences.read(part);
            } else if part.matches('_').count() > 2 {
                let mut places = tests.iter().filter(|(of, _)| krate.is_none_or(|it| it == **of));
                if !places.any(|(_, names)| names.contains(part)) {
                    let place = krate.unwrap_or("any crate");
                    differences.add(path, &format!("no test is called `{part}` in {place}"));
                }
            }
        }
    }
}

/// Returns the names of the tests of a crate.
fn tests_in(krate: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for path in files::under(krate).into_iter().filter(|path| path.ends_with(".rs")) {
        let text = files::read(&path).unwrap_or_default();
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            let function = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
            if let Some(name) = function.and_then(|rest| rest.split('(').next())
                && std::mem::take(&mut is_test)
            {
                names.insert(name.to_owned());
            }
        }
    }
    names
}
