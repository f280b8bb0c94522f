//! What a new store holds: the demo catalogue and two accounts.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::process::Program;

/// An account of the demo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Its address.
    pub email: String,
    /// Its password.
    pub password: String,
}

/// The account that may do anything.
pub(crate) fn admin() -> Login {
    Login { email: "admin@shopmesh.example".into(), password: "shopmesh-admin".into() }
}

/// The account that buys.
pub(crate) fn customer() -> Login {
    Login { email: "customer@shopmesh.example".into(), password: "shopmesh-customer".into() }
}

const TIMEOUT: Duration = Duration::from_secs(120);

/// Imports the catalogue that lies in `dir`.
pub(crate) async fn import_catalogue(dir: &Path, product_svc: Program) -> Result<()> {
    let mut program = product_svc.arguments(["import"]).arguments([dir.join("web/catalogue.csv")]);
    program.log = dir.join("logs/product-svc-import.log");
    program.run(TIMEOUT).await.context("cannot import the demo catalogue")
}

/// Makes the admin, unless there is one.
pub(crate) async fn create_admin(dir: &Path, user_svc: Program) -> Result<()> {
    let Login { email, password } = admin();
    let mut program = user_svc
        .arguments(["create-admin", "--email", &email, "--display-name", "Demo Admin"])
        .environment([("ADMIN_PASSWORD".to_owned(), password)]);
    program.log = dir.join("logs/user-svc-create-admin.log");
    program.run(TIMEOUT).await.context("cannot make the admin account")
}

/// Whether the store was seeded by an earlier start.
pub(crate) fn is_done(dir: &Path) -> bool {
    dir.join("seeded").exists()
}

/// Notes that the store is seeded.
pub(crate) fn note_done(dir: &Path) -> Result<()> {
    Ok(fs::write(dir.join("seeded"), "")?)
}
