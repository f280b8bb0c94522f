//! `make conformance` and `make h2spec`: the suites that others wrote for gRPC, gRPC-Web and HTTP/2,
//! against the built programs. The exit code is 1 where a suite does not reach its number.

mod conformance;
mod gateway;
mod h2spec;
mod tunnel;

use std::{
    env,
    error::Error,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use clap::Parser;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Runs a suite of protocol tests.
#[derive(Parser)]
enum Arguments {
    /// Runs connectrpc/conformance against a gateway.
    Conformance {
        /// Rounds of both protocols.
        #[arg(long, default_value_t = 3)]
        rounds: u32,
    },
    /// Is the server that the suite of `conformance` starts: a gateway before the suite's own.
    #[command(hide = true)]
    Server,
    /// Runs h2spec against a gateway and a service of the store around it.
    H2spec,
}

fn main() -> ExitCode {
    let result = match Arguments::parse() {
        Arguments::Conformance { rounds } => conformance::run(rounds),
        Arguments::Server => gateway::serve(),
        Arguments::H2spec => h2spec::run(),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns a program that was built with this one.
fn built(name: &str) -> Result<PathBuf> {
    Ok(env::current_exe()?.with_file_name(name))
}

/// Returns a program that `scripts/deps` installed.
fn tool(name: &str) -> Result<PathBuf> {
    let profile = env::current_exe()?;
    let target = profile.ancestors().nth(2).unwrap_or(Path::new("target"));
    let path = target.join("tools/go/bin").join(name);
    if path.exists() { Ok(path) } else { Err(format!("{name} is missing: run `make deps`").into()) }
}

/// Returns a command whose process ends with this one.
fn child(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}
