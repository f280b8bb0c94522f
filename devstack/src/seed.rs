//! What a new store holds: the demo catalogue and two accounts.

use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use anyhow::{Context, Result};
use proto::user::v1::SignUpRequest;
use proto::user::v1::user_service_client::UserServiceClient;
use tonic::Code;

use crate::chores::Chores;
use crate::options::Options;
use crate::process::Program;
use crate::secrets::write_private;
use crate::tools;

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

const CATALOGUE: &str = "catalogue.csv";
const TIMEOUT: Duration = Duration::from_secs(120);

/// Writes the pictures and the pages to where the gateway serves them, and the catalogue to where it
/// does not: the file tells how many of each there are.
pub(crate) fn write_files(dir: &Path) -> Result<()> {
    let web = dir.join("web");
    crate::catalogue::write(&web)?;
    fs::rename(web.join(CATALOGUE), dir.join(CATALOGUE))?;
    // Copied, so that a store serves what it was started with while the next pages are built.
    let built = tools::pages();
    if built.is_dir() {
        copy_folder(&built, &web).context("cannot copy the built pages")?;
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

/// Imports the catalogue.
pub(crate) async fn import_catalogue(
    dir: &Path,
    product_svc: Program,
    chores: &Chores,
) -> Result<()> {
    let mut program = product_svc.arguments(["import"]).arguments([dir.join(CATALOGUE)]);
    program.log = dir.join("logs/product-svc-import.log");
    chores.run(program, TIMEOUT).await.context("cannot import the demo catalogue")
}

/// Makes the admin, unless there is one.
pub(crate) async fn create_admin(dir: &Path, user_svc: Program, chores: &Chores) -> Result<()> {
    let Login { email, password } = admin();
    let mut program = user_svc
        .arguments(["create-admin", "--email", &email, "--display-name", "Demo Admin"])
        .environment([("ADMIN_PASSWORD".to_owned(), password)]);
    program.log = dir.join("logs/user-svc-create-admin.log");
    chores.run(program, TIMEOUT).await.context("cannot make the admin account")
}

/// Makes the customer as anyone becomes one, unless it is there.
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

/// Whether these databases were seeded by an earlier start.
pub(crate) fn is_done(options: &Options) -> bool {
    fs::read_to_string(options.dir.join(NOTE)).is_ok_and(|note| note == databases(options))
}

/// Notes that the databases are seeded.
pub(crate) fn note_done(options: &Options) -> Result<()> {
    write_private(&options.dir.join(NOTE), &databases(options))
}

const NOTE: &str = "seeded";

/// Which databases they are: our own, or which from outside.
fn databases(options: &Options) -> String {
    format!("{:?}", options.external.database_urls)
}
