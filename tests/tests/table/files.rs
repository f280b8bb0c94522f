//! The files of the repository, and what is read from their text.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns the text of a file of the repository.
pub fn read(path: &str) -> Option<String> {
    fs::read_to_string(root().join(path)).ok()
}

/// Returns the paths of all files under a folder; none, if it is missing.
pub fn under(folder: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(root().join(folder)).into_iter().flatten() {
        let entry = entry.expect("it can be read");
        let path = format!("{folder}/{}", entry.file_name().display());
        if entry.path().is_dir() {
            paths.extend(under(&path));
        } else {
            paths.push(path);
        }
    }
    paths
}

/// Returns the names that end in `-svc`, also as the beginning of a longer one: `order-svc-tls`.
pub fn service_names(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    let names = words.filter_map(|word| {
        let end = word.find("-svc")? + "-svc".len();
        let (name, rest) = word.split_at(end);
        (rest.is_empty() || rest.starts_with('-')).then_some(name)
    });
    names.filter(|name| !name.starts_with('-'))
}

/// Returns the words of each `for name in …; do`.
pub fn shell_lists(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().filter_map(|line| {
        let (words, _) = line.trim().strip_prefix("for name in ")?.split_once(';')?;
        Some(words.split_whitespace().collect())
    })
}

/// Returns the text at a path of keys, or an empty one.
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Returns the items at a path of keys.
pub fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
