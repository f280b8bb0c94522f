//! Creates what a store needs before it can start, in a cluster or for `compose.yaml`.

mod catalogue;
mod cluster;
mod kubernetes;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Result;
use clap::Parser;
use setup::{
    broker::Broker,
    certificates,
    keys::{Secrets, page_token_key_name},
};
use topology::Service;

/// Creates what a store needs before it can start, where devstack does not run it.
#[derive(Parser)]
#[command(version)]
enum Command {
    /// Write the demo catalogue and its pictures into a folder.
    Catalogue {
        /// The folder; created where it is missing.
        folder: PathBuf,
    },
    /// Create the certificates, keys and passwords that a store lacks: in a pod, as Secrets of its
    /// namespace; with --folder, as files.
    Secrets {
        /// The folder; created where it is missing.
        #[arg(long)]
        folder: Option<PathBuf>,
    },
    /// Create the topics that are missing and who may use them, once the broker is ready.
    Topics(Broker),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Command::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("setup: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Catalogue { folder } => Ok(catalogue::write(&folder)?),
        Command::Secrets { folder: Some(folder) } => create_secret_files(&folder),
        Command::Secrets { folder: None } => cluster::create_secrets().await,
        Command::Topics(broker) => broker.set_up_when_ready().await,
    }
}

/// Creates the certificates and keys that `folder` lacks, in the layout of devstack's state folder.
fn create_secret_files(folder: &Path) -> Result<()> {
    certificates::create_files(&folder.join("tls"))?;
    let secrets = Secrets::open(folder)?;
    for service in Service::with_database() {
        secrets.key_file(&page_token_key_name(service.name()))?;
    }
    secrets.signing_keys_dir()?;
    Ok(())
}
