//! What a file imports, from its `use` declarations and from paths in its code, and cycles of imports.

use std::collections::{BTreeMap, BTreeSet};

use crate::sources::{self, Source, services};

/// The crates, besides the services, whose files must not import each other in a cycle.
const CRATES: [&str; 7] =
    ["proto", "mesh", "mesh-data", "gateway", "devstack", "k8s/setup", "tests"];

/// Returns all paths that `source` imports or names, each as its segments: `["crate", "db", "orders"]`.
pub(crate) fn paths(source: &Source) -> BTreeSet<Vec<String>> {
    let code = without_comments(&source.text);
    let mut paths = BTreeSet::new();
    for statement in code.split("\nuse ").skip(1).chain(code.split("\npub use ").skip(1)) {
        let tree = statement.split(';').next().unwrap_or_default();
        expand(tree, &[], &mut paths);
    }
    for start in ["crate::", "super::", "self::", "proto::"] {
        for (at, _) in code.match_indices(start) {
            let is_whole =
                !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
            if is_whole {
                let end = code[at..].find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
                let path = &code[at..end.map_or(code.len(), |end| at + end)];
                // A path that ends in `::` opens a group, which its `use` declaration expands.
                if !path.ends_with(':') {
                    paths.insert(segments(path));
                }
            }
        }
    }
    let module = &source.module;
    paths.into_iter().map(|path| absolute(path, module)).collect()
}

fn segments(path: &str) -> Vec<String> {
    path.split("::").map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect()
}

/// Expands a use tree such as `a::{b, c::{d, e}}`.
fn expand(tree: &str, prefix: &[String], paths: &mut BTreeSet<Vec<String>>) {
    let tree = tree.trim();
    let (head, group) = match tree.split_once('{') {
        Some((head, rest)) => (head, Some(rest.trim_end().trim_end_matches('}'))),
        None => (tree, None),
    };
    let head = head.split(" as ").next().unwrap_or_default();
    let mut path = prefix.to_vec();
    path.extend(segments(head));
    let Some(group) = group else {
        paths.insert(path);
        return;
    };
    let (mut depth, mut start) = (0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&group[start..at], &path, paths);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !group[start..].trim().is_empty() {
        expand(&group[start..], &path, paths);
    }
}

/// Resolves `self` and `super` at the start of a path.
fn absolute(path: Vec<String>, module: &[String]) -> Vec<String> {
    let mut base = module.to_vec();
    let mut rest = &path[..];
    match path.first().map(String::as_str) {
        Some("self") => rest = &rest[1..],
        Some("super") => {
            while rest.first().is_some_and(|first| first == "super") {
                base.pop();
                rest = &rest[1..];
            }
        }
        _ => return path,
    }
    let start = ["crate".to_owned()].into_iter().chain(base);
    start.chain(rest.iter().cloned()).collect()
}

fn without_comments(text: &str) -> String {
    let lines = text.lines().map(|line| match line.find("//") {
        Some(at) if !line[..at].ends_with(':') => &line[..at],
        _ => line,
    });
    format!("\n{}", lines.collect::<Vec<_>>().join("\n"))
}

/// Returns the module of the crate that a path leads to: the longest one that has a file.
pub(crate) fn target<'a>(
    path: &[String],
    modules: &'a BTreeMap<Vec<String>, String>,
) -> Option<&'a Vec<String>> {
    let inner = path.strip_prefix(&["crate".to_owned()][..])?;
    (1..=inner.len())
        .rev()
        .find_map(|length| modules.get_key_value(&inner[..length]).map(|(module, _)| module))
}

/// Returns each cycle of files that import each other.
pub(crate) fn cycles() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for krate in CRATES.into_iter().chain(services()) {
        let files = sources::of_crate(krate);
        let modules: BTreeMap<_, _> =
            files.iter().map(|file| (file.module.clone(), file.path.clone())).collect();
        let mut edges: BTreeMap<&Vec<String>, BTreeSet<&Vec<String>>> = BTreeMap::new();
        for file in files.iter().filter(|file| !file.module.is_empty()) {
            for path in paths(file) {
                let Some(target) = target(&path, &modules) else { continue };
                if *target != file.module {
                    edges.entry(&file.module).or_default().insert(target);
                }
            }
        }
        for start in edges.keys() {
            if let Some(cycle) = way_back(start, &edges) {
                let names: Vec<_> = cycle.iter().map(|module| module.join("::")).collect();
                let smallest = names.iter().min();
                if smallest == names.first() {
                    found.insert(format!("{krate}: {}", names.join(" -> ")));
                }
            }
        }
    }
    found
}

/// Returns a shortest way from `start` back to it.
fn way_back<'a>(
    start: &'a Vec<String>,
    edges: &BTreeMap<&'a Vec<String>, BTreeSet<&'a Vec<String>>>,
) -> Option<Vec<&'a Vec<String>>> {
    let mut ways = vec![vec![start]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            let last = way.last()?;
            for next in edges.get(last).into_iter().flatten() {
                if *next == start {
                    return Some(way);
                }
                if seen.insert(*next) {
                    longer.push(way.iter().copied().chain([*next]).collect());
                }
            }
        }
        ways = longer;
    }
    None
}
