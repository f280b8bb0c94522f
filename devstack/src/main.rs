//! The program behind `make up`, `make down`, `make reset` and `make test`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use devstack::{External, Options, Part, Ports, Progress, Stack};
use tokio::process::Command;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Runs the whole store on this machine: PostgreSQL, Kafka, a mailbox and the five services.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The folder of all state.
    #[arg(long, global = true, default_value = ".devstack")]
    dir: PathBuf,
    #[command(subcommand)]
    command: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Start the store at its fixed ports, and keep it running until Ctrl-C.
    ///
    /// USER_DATABASE_URL, PRODUCT_DATABASE_URL, ORDER_DATABASE_URL, NOTIFY_DATABASE_URL, KAFKA_BROKERS
    /// and SMTP_URL name servers to use instead of own ones.
    Up,
    /// Stop the store that runs in the folder.
    Down,
    /// Stop the store and remove all its data.
    Reset,
    /// Run a command beside a new store, on free ports and in a folder that goes afterwards.
    ///
    /// The command finds what the store tells (GATEWAY_URL and so on) in its environment. The exit code
    /// is the command's.
    Exec {
        /// The parts to start, separated by commas; all where it is left out.
        #[arg(long, value_delimiter = ',')]
        parts: Vec<Part>,
        /// The command and its arguments.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("devstack: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<ExitCode> {
    let dir = arguments.dir;
    match arguments.command {
        Action::Up => up(dir).await,
        Action::Down => {
            let ran = devstack::end_running(&dir).await?;
            println!("devstack: {}", if ran { "stopped" } else { "no store runs here" });
            Ok(ExitCode::SUCCESS)
        }
        Action::Reset => {
            devstack::remove(&dir).await?;
            println!("devstack: {} is gone", dir.display());
            Ok(ExitCode::SUCCESS)
        }
        Action::Exec { parts, command } => exec(parts, &command).await,
    }
}

/// SIGINT, SIGTERM or SIGHUP, also where they were inherited as ignored.
struct Interrupt([Signal; 3]);

impl Interrupt {
    fn listen() -> Result<Self> {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [interrupt, terminate, hangup] = kinds.map(signal);
        Ok(Self([interrupt?, terminate?, hangup?]))
    }

    async fn wait(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

fn progress() -> Progress {
    Arc::new(|line| eprintln!("devstack: {line}"))
}

async fn up(dir: PathBuf) -> Result<ExitCode> {
    let mut interrupt = Interrupt::listen()?;
    let mut options = Options::new(dir);
    options.ports = Ports::Fixed;
    options.external = External::from_env();
    options.progress = progress();
    let stack = Stack::prepare(options).await?;
    let ended = tokio::select! {
        () = interrupt.wait() => Ok(()),
        error = stand(&stack) => Err(error),
    };
    eprintln!("devstack: stopping");
    stack.stop().await;
    ended.map(|()| ExitCode::SUCCESS)
}

/// Brings the store up and keeps it until it fails.
async fn stand(stack: &Stack) -> anyhow::Error {
    if let Err(error) = stack.bring_up().await {
        return error;
    }
    println!("{}", stack.welcome());
    stack.failed().await
}

async fn exec(parts: Vec<Part>, command: &[String]) -> Result<ExitCode> {
    let mut interrupt = Interrupt::listen()?;
    let dir = tempfile::Builder::new().prefix("devstack-").tempdir()?;
    let mut options = Options::new(dir.path());
    options.progress = progress();
    if !parts.is_empty() {
        options.parts = parts;
    }
    let stack = Stack::prepare(options).await?;
    let ended = tokio::select! {
        () = interrupt.wait() => Ok(ExitCode::FAILURE),
        code = run_beside(&stack, command) => code,
        error = stack.failed() => Err(error),
    };
    stack.stop().await;
    ended
}

async fn run_beside(stack: &Stack, command: &[String]) -> Result<ExitCode> {
    stack.bring_up().await?;
    let (program, arguments) = command.split_first().context("a command has a name")?;
    let status = Command::new(program)
        .args(arguments)
        .envs(stack.exports()?)
        .kill_on_drop(true)
        .status()
        .await
        .with_context(|| format!("cannot run {program}"))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
