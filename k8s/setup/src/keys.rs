//! Random passwords and keys, and the folder that keeps those of one store.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Result, anyhow};
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::{Engine, prelude::BASE64_STANDARD};

use crate::files::{create_private_folder, write_private};

/// A folder with passwords and keys. Each is created at its first use and then stays the same.
pub struct Secrets(PathBuf);

impl Secrets {
    /// Opens the folder `secrets` in `dir`, and creates it where it is missing.
    pub fn open(dir: &Path) -> Result<Self> {
        let folder = dir.join("secrets");
        create_private_folder(&folder)?;
        Ok(Self(folder))
    }

    /// Returns the password with this name.
    pub fn password(&self, name: &str) -> Result<String> {
        Ok(fs::read_to_string(self.password_file(name)?)?)
    }

    /// Returns the file with the password of this name.
    pub fn password_file(&self, name: &str) -> Result<PathBuf> {
        self.get_or_create(name, || Ok(new_password()))
    }

    /// Returns the file with the [`new_key`] of this name.
    pub fn key_file(&self, name: &str) -> Result<PathBuf> {
        self.get_or_create(name, || Ok(new_key()))
    }

    /// Returns the folder of the keys that sign access tokens. The stem of a file name is the
    /// `kid`.
    pub fn signing_keys_dir(&self) -> Result<PathBuf> {
        let folder = self.0.join("signing-keys");
        create_private_folder(&folder)?;
        self.get_or_create("signing-keys/devstack-1.pem", new_signing_key)?;
        Ok(folder)
    }

    fn get_or_create(
        &self,
        name: &str,
        create: impl FnOnce() -> Result<String>,
    ) -> Result<PathBuf> {
        let path = self.0.join(name);
        if !path.exists() {
            write_private(&path, &create()?)?;
        }
        Ok(path)
    }
}

/// Returns the name of the key that signs the page tokens of a service.
pub fn page_token_key_name(service: &str) -> String {
    format!("{service}-page-token-key")
}

/// Returns a password of 32 letters and digits, safe in a URL and in SQL.
pub fn new_password() -> String {
    rand::random::<[u8; 16]>().map(|byte| format!("{byte:02x}")).concat()
}

/// Returns a key of 32 random bytes, in base64.
pub fn new_key() -> String {
    BASE64_STANDARD.encode(rand::random::<[u8; 32]>())
}

/// Returns a key that signs access tokens: Ed25519, PKCS#8 PEM.
pub fn new_signing_key() -> Result<String> {
    let pair = Ed25519KeyPair::generate().map_err(|_| anyhow!("the system has no random bytes"))?;
    let der = pair.to_pkcs8v1().map_err(|_| anyhow!("the new key has no DER form"))?;
    let base64 = BASE64_STANDARD.encode(der.as_ref());
    Ok(format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n"))
}
