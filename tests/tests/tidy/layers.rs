//! The skeleton of a service: which files it has, and which layer imports which.
//!
//! From top to bottom: `lib` and `commands` start; `api`, `consumer` and `upkeep` call operations;
//! `convert` and `events` know the messages; operations own transactions; `db` is SQL; domain files do
//! no I/O.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    imports::{paths, target},
    sources::{self, Source, root, services},
};

const FILES: [&str; 15] = [
    "src/main.rs",
    "src/lib.rs",
    "src/config.rs",
    "src/commands.rs",
    "src/error.rs",
    "src/schema.rs",
    "src/events.rs",
    "src/upkeep.rs",
    "src/api.rs",
    "src/convert.rs",
    "src/db.rs",
    "tests/service/main.rs",
    "tests/service/harness.rs",
    "tests/service/access.rs",
    "tests/service/validation.rs",
];

/// The modules with a layer of their own, by first segment of their path; all others are nouns. `mail`
/// and `smtp` are the edge of notify-svc to the mail server, as `clients` is to a service.
const LAYERS: [&str; 13] = [
    "api", "clients", "commands", "config", "consumer", "convert", "db", "error", "events", "mail",
    "schema", "smtp", "upkeep",
];

/// The modules that may name message types of the contract.
const MESSAGES_IN: [&str; 7] =
    ["api", "clients", "consumer", "convert", "error", "events", "upkeep"];

/// Returns migrations of a service that have the same version. diesel applies only one of them, and
/// git reports no conflict.
pub(crate) fn repeated_migration_versions() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for service in services() {
        let mut versions = BTreeSet::new();
        for path in sources::files_under(&format!("{service}/migrations"), &["sql"]) {
            let folder = path.trim_end_matches("/up.sql");
            let version = folder.rsplit('/').next().and_then(|name| name.split('_').next());
            if path.ends_with("/up.sql") && !versions.insert(version.map(str::to_owned)) {
                found.insert(format!("{folder}: another migration has the same version"));
            }
        }
    }
    found
}

/// Returns the files that a service lacks.
pub(crate) fn missing_files() -> BTreeSet<String> {
    let paths = services().flat_map(|service| FILES.map(|file| format!("{service}/{file}")));
    let missing = paths.filter(|path| !root().join(path).exists());
    missing.map(|path| format!("{path} is missing")).collect()
}

struct Layered {
    files: Vec<Source>,
    modules: BTreeMap<Vec<String>, String>,
}

impl Layered {
    fn of(service: &str) -> Self {
        let files = sources::of_crate(service);
        let modules = files.iter().map(|file| (file.module.clone(), file.path.clone())).collect();
        Self { files, modules }
    }

    /// The modules of the same crate that a file imports.
    fn imports(&self, file: &Source) -> BTreeSet<Vec<String>> {
        let targets = paths(file);
        let targets = targets.iter().filter_map(|path| target(path, &self.modules));
        targets.filter(|module| **module != file.module).cloned().collect()
    }

    /// The operations: files outside the named layers that import `db`.
    fn operations(&self) -> BTreeSet<Vec<String>> {
        let files = self.files.iter().filter(|file| !is_layer(&file.module));
        let importing =
            files.filter(|file| self.imports(file).iter().any(|module| first(module) == "db"));
        importing.map(|file| file.module.clone()).collect()
    }
}

fn first(module: &[String]) -> &str {
    module.first().map(String::as_str).unwrap_or_default()
}

fn is_layer(module: &[String]) -> bool {
    module.is_empty() || LAYERS.contains(&first(module))
}

/// Returns imports that point from a lower layer to a higher one.
pub(crate) fn upward_imports() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for service in services() {
        let layered = Layered::of(service);
        let operations = layered.operations();
        for file in &layered.files {
            let forbidden: fn(&str) -> bool = match first(&file.module) {
                "" | "commands" | "config" => continue,
                "db" => |layer| !["db", "error", "schema"].contains(&layer) && is_named(layer),
                "schema" | "error" => {
                    |layer| !["error", "convert"].contains(&layer) && is_named(layer)
                }
                "convert" | "events" => {
                    |layer| ["api", "commands", "db", "upkeep"].contains(&layer)
                }
                "api" => |layer| ["commands", "db", "events", "schema", "upkeep"].contains(&layer),
                "clients" | "consumer" | "mail" | "smtp" | "upkeep" => {
                    |layer| ["api", "commands"].contains(&layer)
                }
                _ if operations.contains(&file.module) => |layer| {
                    ["api", "commands", "consumer", "convert", "schema", "upkeep"].contains(&layer)
                },
                // A row names the table that it is selected from.
                _ => |layer| !["error", "schema"].contains(&layer) && is_named(layer),
            };
            for module in layered.imports(file) {
                let from_db = first(&file.module) == "db";
                if forbidden(first(&module)) || from_db && operations.contains(&module) {
                    found.insert(format!("{} imports {}", file.path, module.join("::")));
                }
            }
        }
    }
    found
}

fn is_named(layer: &str) -> bool {
    LAYERS.contains(&layer)
}

/// Returns files that name a message type of the contract and must not.
pub(crate) fn misplaced_message_types() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for service in services() {
        for file in sources::of_crate(service) {
            let layer = first(&file.module);
            if layer.is_empty() || MESSAGES_IN.contains(&layer) {
                continue;
            }
            for path in paths(&file) {
                let names_package = path.first().is_some_and(|root| root == "proto")
                    && path.iter().any(|segment| segment == "v1" || segment == "google");
                if names_package {
                    found.insert(format!("{} names {}", file.path, path.join("::")));
                }
            }
        }
    }
    found
}
