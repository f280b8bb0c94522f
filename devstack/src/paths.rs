//! Where cargo, `make deps` and npm put what a store runs.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// The folder of the project.
const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Returns the folder of cargo's programs, `target/debug`.
pub(crate) fn binaries() -> Result<PathBuf> {
    let executable = env::current_exe()?;
    let folder = executable.parent().context("a program is in a folder")?;
    // A test is one folder deeper.
    let folder = if folder.ends_with("deps") { folder.parent() } else { Some(folder) };
    Ok(folder.context("cargo builds into target/debug")?.to_owned())
}

/// Returns the folder of what `make deps` downloads: `target/tools`.
pub(crate) fn tools() -> Result<PathBuf> {
    Ok(binaries()?.parent().context("cargo builds into target/debug")?.join("tools"))
}

/// Returns a file of an npm package of the project.
pub(crate) fn npm(path: &str) -> PathBuf {
    Path::new(PROJECT).join("node_modules").join(path)
}

/// Returns the folder of the built pages: `WEB_ROOT`, or `web/dist`, which is missing before
/// `npm run build`.
pub(crate) fn pages() -> PathBuf {
    env::var_os("WEB_ROOT").map_or_else(|| Path::new(PROJECT).join("web/dist"), PathBuf::from)
}

/// Returns the folder of the demo catalogue.
pub(crate) fn catalogue() -> PathBuf {
    Path::new(PROJECT).join("devstack/catalogue")
}

/// Returns the program `name` of `PATH`.
pub(crate) fn in_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}
