//! The content of a new store: the demo catalogue and two accounts.

use std::{fs, io, path::Path, time::Duration};

use anyhow::{Context, Result};
use proto::user::v1::{SignUpRequest, user_service_client::UserServiceClient};
use setup::files::write_private;
use tonic::Code;

use crate::{one_shot::OneShots, options::Options, paths, process::Program};

/// Marks databases that have the content.
const MARKER: &str = "seeded";
const TIMEOUT: Duration = Duration::from_secs(120);

/// The credentials of a demo account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The email address.
    pub email: String,
    /// The password.
    pub password: String,
}

/// Returns the account with the role admin.
pub(crate) fn admin() -> Login {
    Login { email: setup::ADMIN_EMAIL.into(), password: "shopmesh-admin".into() }
}

/// Returns the account with the role customer.
pub(crate) fn customer() -> Login {
    Login { email: "customer@shopmesh.example".into(), password: "shopmesh-customer".into() }
}

/// Copies the pictures and the built pages to the folder that the gateway serves. A running store
/// keeps its copy while `npm run build` replaces the pages.
pub(crate) fn copy_web_files(dir: &Path) -> Result<()> {
    let web = dir.join("web");
    copy_folder(&paths::catalogue().join("images"), &web.join("images"))
        .context("cannot copy the pictures")?;
    let pages = paths::pages();
    if pages.is_dir() {
        copy_folder(&pages, &web).context("cannot copy the built pages")?;
    }
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Imports the demo catalogue.
pub(crate) async fn import_catalogue(
    dir: &Path,
    product_svc: Program,
    one_shots: &OneShots,
) -> Result<()> {
    let products = paths::catalogue().join("products.csv");
    let mut program = product_svc.arguments(["import"]).arguments([products]);
    program.log = dir.join("logs/product-svc-import.log");
    one_shots.run(program, TIMEOUT).await.context("cannot import the demo catalogue")
}

/// Creates the admin account, unless it exists.
pub(crate) async fn create_admin(
    dir: &Path,
    user_svc: Program,
    one_shots: &OneShots,
) -> Result<()> {
    let Login { email, password } = admin();
    let mut program = user_svc
        .arguments(["create-admin", "--email", &email, "--display-name", "Demo Admin"])
        .environment([("ADMIN_PASSWORD".to_owned(), password)]);
    program.log = dir.join("logs/user-svc-create-admin.log");
    one_shots.run(program, TIMEOUT).await.context("cannot create the admin account")
}

/// Signs the customer up through the gateway, unless the account exists.
pub(crate) async fn sign_up_customer(gateway_url: String) -> Result<()> {
    let Login { email, password } = customer();
    let mut users = UserServiceClient::connect(gateway_url).await?;
    let request = SignUpRequest { email, password, display_name: "Demo Customer".into() };
    match users.sign_up(request).await {
        Err(status) if status.code() != Code::AlreadyExists => {
            Err(status).context("cannot sign the demo customer up")
        }
        _ => Ok(()),
    }
}

/// Reports whether an earlier start has seeded these databases.
pub(crate) fn is_done(options: &Options) -> bool {
    let marker = fs::read_to_string(options.dir.join(MARKER));
    marker.is_ok_and(|marker| marker == databases(options))
}

/// Records that the databases are seeded.
pub(crate) fn mark_done(options: &Options) -> Result<()> {
    write_private(&options.dir.join(MARKER), &databases(options))
}

/// Returns a text that differs between sets of databases.
fn databases(options: &Options) -> String {
    format!("{:?}", options.external.database_urls)
}
