//! The command line.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::{Args, Parser, Subcommand};
use devstack::{Options, Part};

use crate::report;

/// Runs the whole store on this machine: PostgreSQL, Kafka, a mailbox and the five services.
#[derive(Parser)]
#[command(version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) action: Action,
}

#[derive(Subcommand)]
pub(crate) enum Action {
    /// Start the store at its fixed ports, and keep it running until Ctrl-C.
    ///
    /// KAFKA_BROKERS, SMTP_URL and the database of each service, such as ORDER_DATABASE_URL, name
    /// servers to use instead of own ones.
    Up {
        #[command(flatten)]
        folder: Folder,
        #[command(flatten)]
        parts: Parts,
        /// Listen on any free ports; the file `env` in the folder lists them.
        #[arg(long)]
        free_ports: bool,
    },
    /// Stop the store that runs in the folder.
    Down(Folder),
    /// Stop the store and remove all its data.
    Reset(Folder),
    /// Run a command beside a new store, on free ports and in a folder that is removed afterwards.
    ///
    /// The environment of the command describes the store (GATEWAY_URL and so on). The exit code is
    /// the command's.
    Exec {
        #[command(flatten)]
        parts: Parts,
        /// The command and its arguments.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
}

#[derive(Args)]
pub(crate) struct Folder {
    /// The folder of all state.
    #[arg(long, default_value = ".devstack")]
    pub(crate) dir: PathBuf,
}

#[derive(Args)]
pub(crate) struct Parts {
    /// The parts to start, separated by commas: postgres, kafka, mailbox, and services by name. All
    /// parts if this is missing.
    #[arg(long, value_delimiter = ',', value_name = "PART,…")]
    parts: Vec<Part>,
}

impl Parts {
    /// Returns the options of a store with these parts in `dir`.
    pub(crate) fn options(self, dir: &Path) -> Options {
        let mut options = Options::new(dir);
        options.progress = Arc::new(report);
        if !self.parts.is_empty() {
            options.parts = self.parts;
        }
        options
    }
}
