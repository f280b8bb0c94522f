//! Passwords and keys of a store: random, made once, kept in files that only their owner reads.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// The folder of secrets.
pub(crate) struct Secrets(PathBuf);

impl Secrets {
    /// Opens the folder, making it where it is missing.
    pub fn open(dir: &Path) -> Result<Self> {
        let folder = dir.join("secrets");
        create_private_folder(&folder)?;
        Ok(Self(folder))
    }

    /// The [`new_password`] that is kept under this name.
    pub fn password(&self, name: &str) -> Result<String> {
        Ok(fs::read_to_string(self.file(name)?)?)
    }

    /// The file of [`Self::password`].
    pub fn file(&self, name: &str) -> Result<PathBuf> {
        self.keep(name, || Ok(new_password()))
    }

    /// The file of a [`new_key`].
    pub fn key_file(&self, name: &str) -> Result<PathBuf> {
        self.keep(name, || Ok(new_key()))
    }

    /// The folder of keys that sign access tokens; a file's stem is the `kid`.
    pub fn signing_keys(&self) -> Result<PathBuf> {
        let folder = self.0.join("signing-keys");
        create_private_folder(&folder)?;
        self.keep("signing-keys/devstack-1.pem", new_signing_key)?;
        Ok(folder)
    }

    /// The file `name`, made by `make` where it is missing.
    fn keep(&self, name: &str, make: impl FnOnce() -> Result<String>) -> Result<PathBuf> {
        let path = self.0.join(name);
        if !path.exists() {
            write_private(&path, &make()?)?;
        }
        Ok(path)
    }
}

/// A password of 32 letters and digits, safe in a URL and in SQL.
pub(crate) fn new_password() -> String {
    rand::random::<[u8; 16]>().map(|byte| format!("{byte:02x}")).concat()
}

/// A key of 32 random bytes, in base64.
pub(crate) fn new_key() -> String {
    BASE64_STANDARD.encode(rand::random::<[u8; 32]>())
}

/// A key that signs access tokens: Ed25519, PKCS#8 PEM.
pub(crate) fn new_signing_key() -> Result<String> {
    let pair = Ed25519KeyPair::generate().map_err(|_| anyhow!("no random bytes"))?;
    let der = pair.to_pkcs8v1().map_err(|_| anyhow!("a new key has a DER form"))?;
    let base64 = BASE64_STANDARD.encode(der.as_ref());
    Ok(format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n"))
}

/// Makes a folder that only its owner enters.
pub(crate) fn create_private_folder(path: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot make {}", path.display()))
}

/// Writes a file that only its owner reads; it is whole or not there.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<()> {
    let draft = path.with_added_extension("draft");
    let write = || -> std::io::Result<()> {
        let _ = fs::remove_file(&draft);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&draft, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}
