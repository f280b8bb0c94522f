//! The boundaries between crates, from cargo's own resolution of the workspace.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

use crate::sources::{root, services};

const DATABASE: [&str; 4] = ["diesel", "diesel-async", "tokio-postgres", "mesh-data"];
const BROKER: [&str; 2] = ["rdkafka", "rdkafka-sys"];

/// Returns dependencies of a program, direct or not, that it must not have.
pub(crate) fn forbidden_dependencies() -> BTreeSet<String> {
    let graph = normal_dependencies();
    let mut found = BTreeSet::new();
    let mut forbid = |krate: &str, names: &[&str]| {
        let reached = closure(krate, &graph);
        for name in names.iter().filter(|name| reached.contains(**name)) {
            found.insert(format!("{krate} depends on {name}"));
        }
    };
    forbid("gateway", &[&DATABASE[..], &BROKER[..]].concat());
    forbid("mesh", &[&DATABASE[..], &BROKER[..], &["proto"]].concat());
    forbid("mesh-data", &["proto"]);
    for krate in services().chain(["gateway"]) {
        let others = services().filter(|other| *other != krate);
        let tools = ["gateway", "devstack", "tests"].into_iter().filter(|tool| *tool != krate);
        forbid(krate, &others.chain(tools).collect::<Vec<_>>());
    }
    found
}

/// Returns for each package the packages that it needs at run time, by name.
fn normal_dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs the tests");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let names: BTreeMap<String, String> = list(&metadata["packages"])
        .iter()
        .map(|package| (text(&package["id"]), text(&package["name"])))
        .collect();
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for node in list(&metadata["resolve"]["nodes"]) {
        let dependencies = list(&node["deps"]).into_iter().filter(|dependency| {
            list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null())
        });
        let dependencies = dependencies.map(|dependency| names[&text(&dependency["pkg"])].clone());
        graph.entry(names[&text(&node["id"])].clone()).or_default().extend(dependencies);
    }
    graph
}

fn closure(krate: &str, graph: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![krate.to_owned()];
    while let Some(name) = open.pop() {
        for next in graph.get(&name).into_iter().flatten() {
            if reached.insert(next.clone()) {
                open.push(next.clone());
            }
        }
    }
    reached
}
