//! Reads the signing keys from their folder, and reloads them when a file changes.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwapOption;
use mesh::{BoxError, token::Verifier};

use crate::signing_key::{KeyFiles, SigningKeys};

pub(crate) const RELOAD_INTERVAL: Duration = Duration::from_secs(2);
/// A folder with more files is a mistake.
const KEYS_MAX: usize = 32;

/// Reloads the signing keys when their folder changes.
pub(crate) struct Reloader {
    dir: PathBuf,
    keys: SigningKeys,
    verifier: Verifier,
    /// The files that were rejected last, so that they are logged once.
    rejected: ArcSwapOption<KeyFiles>,
}

impl Reloader {
    pub(crate) fn new(dir: PathBuf, keys: SigningKeys, verifier: Verifier) -> Self {
        Self { dir, keys, verifier, rejected: ArcSwapOption::empty() }
    }

    /// Reloads the keys of issuer and verifier if a file has changed. Invalid files leave the old keys
    /// in use.
    pub(crate) fn reload(&self) {
        let files = match read(&self.dir) {
            Ok(files) => files,
            Err(error) => {
                tracing::error!(%error, "signing keys are unreadable; the old ones stay in use");
                return;
            }
        };
        let is_rejected = self.rejected.load().as_deref() == Some(&files);
        if is_rejected || self.keys.match_files(&files) {
            return;
        }
        match self.keys.reload(files.clone(), &self.verifier) {
            Ok(kids) => tracing::info!(?kids, "reloaded signing keys"),
            Err(error) => {
                tracing::error!(%error, "signing keys are invalid; the old ones stay in use");
                self.rejected.store(Some(Arc::new(files)));
            }
        }
    }
}

/// Reads every `KID.pem` of a folder, of which there is at least one.
pub(crate) fn read(dir: &Path) -> Result<KeyFiles, BoxError> {
    let unreadable = |error| format!("SIGNING_KEYS_DIR={}: {error}", dir.display());
    let mut files = KeyFiles::new();
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let is_key = path.extension().is_some_and(|extension| extension == "pem");
        if let Some(kid) = path.file_stem().filter(|_| is_key).and_then(|stem| stem.to_str()) {
            files.insert(kid.to_owned(), fs::read_to_string(&path).map_err(unreadable)?);
        }
    }
    match files.len() {
        1..=KEYS_MAX => Ok(files),
        count => Err(format!(
            "SIGNING_KEYS_DIR={} has {count} .pem files; 1 to {KEYS_MAX} are needed",
            dir.display()
        )
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_an_empty_folder_names_its_setting() {
        let dir = tempfile::tempdir().expect("a folder");
        let error = read(dir.path()).expect_err("there is no key").to_string();
        assert!(error.starts_with("SIGNING_KEYS_DIR="), "{error}");
    }
}
