//! The source files of a crate, without their tests.

use std::{
    fs,
    path::{Path, PathBuf},
};

use topology::Service;

/// Returns the services that own data, from the table of services.
pub(crate) fn services() -> impl Iterator<Item = &'static str> {
    Service::with_database().map(Service::name)
}

/// A file of a crate.
pub(crate) struct Source {
    /// Path within the repository, such as `order-svc/src/db/orders.rs`.
    pub(crate) path: String,
    /// Module path, such as `["db", "orders"]`; empty for `lib.rs` and `main.rs`.
    pub(crate) module: Vec<String>,
    /// The text up to the tests in the file.
    pub(crate) text: String,
}

/// Returns the root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns all files of `krate` under `src`.
pub(crate) fn of_crate(krate: &str) -> Vec<Source> {
    let folder = format!("{krate}/src");
    files_under(&folder, &["rs"])
        .into_iter()
        .filter(|path| !path.ends_with("/tests.rs") && !path.contains("/src/bin/"))
        .map(|path| {
            let inner = path.strip_prefix(&format!("{folder}/")).unwrap_or(&path);
            let module = inner.trim_end_matches(".rs").split('/').map(str::to_owned);
            let module = module.filter(|name| !["lib", "main", "mod"].contains(&&**name)).collect();
            let text = read(&path);
            let code = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
            Source { path, module, text: code }
        })
        .collect()
}

/// Returns the text of a file.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the paths of all files under a folder that have one of the extensions.
pub(crate) fn files_under(folder: &str, extensions: &[&str]) -> Vec<String> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(root().join(folder)).into_iter().flatten().flatten() {
        let path = format!("{folder}/{}", entry.file_name().display());
        if entry.path().is_dir() {
            paths.extend(files_under(&path, extensions));
        } else if entry.path().extension().is_some_and(|e| extensions.iter().any(|x| e == *x)) {
            paths.push(path);
        }
    }
    paths.sort();
    paths
}
