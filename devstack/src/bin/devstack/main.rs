//! The program behind `make up`, `make down`, `make reset` and `make test`.

mod arguments;
mod exec;
mod interrupt;
mod up;

use std::{
    io::{Write, stderr},
    process::ExitCode,
};

use anyhow::Result;
use clap::Parser;

use arguments::{Action, Arguments, Folder};

#[tokio::main]
async fn main() -> ExitCode {
    let result = run(Arguments::parse().action).await;
    result.unwrap_or_else(|error| {
        report(&format!("{error:#}"));
        ExitCode::FAILURE
    })
}

async fn run(action: Action) -> Result<ExitCode> {
    match action {
        Action::Up { folder, parts, free_ports } => {
            return up::run(parts.options(&folder.dir), free_ports).await;
        }
        Action::Exec { parts, command } => return exec::run(parts, &command).await,
        Action::Down(Folder { dir }) => {
            let ran = devstack::stop_running(&dir).await?;
            report(if ran { "stopped" } else { "no store runs here" });
        }
        Action::Reset(Folder { dir }) => {
            devstack::remove(&dir).await?;
            report(&format!("{} is removed", dir.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a line to standard error, which may be closed.
fn report(line: &str) {
    let _ = writeln!(stderr(), "devstack: {line}");
}
