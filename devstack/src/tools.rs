//! Where things are that `make deps` and cargo put on the machine.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folder of cargo's programs that this one was built into, `target/debug`.
pub(crate) fn binaries() -> Result<PathBuf> {
    let executable = std::env::current_exe()?;
    let folder = executable.parent().context("a program lies in a folder")?;
    // A test lies one folder deeper.
    let folder = if folder.ends_with("deps") { folder.parent() } else { Some(folder) };
    Ok(folder.context("cargo builds into target/debug")?.to_owned())
}

/// What `make deps` brought besides the system's packages: `target/tools`.
pub(crate) fn folder() -> Result<PathBuf> {
    Ok(binaries()?.parent().context("cargo builds into target/debug")?.join("tools"))
}

/// A file of an npm package of the project.
pub(crate) fn npm(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../node_modules").join(path)
}

/// The pages: of `WEB_ROOT`, or what `npm run build` made of `web/`; not there where nobody ran it.
pub(crate) fn pages() -> PathBuf {
    std::env::var_os("WEB_ROOT")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/dist"), PathBuf::from)
}

/// The program `name` in `PATH`.
pub(crate) fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}
