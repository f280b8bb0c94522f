//! The program behind `make up`, `make down`, `make reset` and `make test`.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use devstack::{External, Options, Part, Ports, Stack, setup};
use nix::sys::signal::{self, kill};
use nix::unistd::Pid;
use tokio::process::Command;
use tokio::signal::unix::{self, SignalKind};
use tokio::time::timeout;

/// Runs the whole store on this machine: PostgreSQL, Kafka, a mailbox and the five services.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Start the store at its fixed ports, and keep it running until Ctrl-C.
    ///
    /// USER_DATABASE_URL, PRODUCT_DATABASE_URL, ORDER_DATABASE_URL, NOTIFY_DATABASE_URL, KAFKA_BROKERS
    /// and SMTP_URL name servers to use instead of own ones.
    Up {
        #[command(flatten)]
        folder: Folder,
        #[command(flatten)]
        parts: Parts,
        /// Listen on any free ports; the file `env` in the folder tells them.
        #[arg(long)]
        free_ports: bool,
    },
    /// Stop the store that runs in the folder.
    Down(Folder),
    /// Stop the store and remove all its data.
    Reset(Folder),
    /// Write the demo catalogue and its pictures into a folder.
    Catalogue {
        /// The folder; made where it is missing.
        folder: PathBuf,
    },
    /// Make the certificates, keys and passwords that a store lacks: from a pod, as Secrets of its
    /// namespace; with --folder, as files.
    Secrets {
        /// The folder; made where it is missing.
        #[arg(long)]
        folder: Option<PathBuf>,
    },
    /// Make the topics that are missing, once the broker is there.
    Topics {
        /// Kafka bootstrap servers, as `host:port,host:port`.
        #[arg(long, env)]
        kafka_brokers: String,
    },
    /// Run a command beside a new store, on free ports and in a folder that goes afterwards.
    ///
    /// The command finds what the store tells (GATEWAY_URL and so on) in its environment. The exit code
    /// is the command's.
    Exec {
        #[command(flatten)]
        parts: Parts,
        /// The command and its arguments.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
}

#[derive(Args)]
struct Folder {
    /// The folder of all state.
    #[arg(long, default_value = ".devstack")]
    dir: PathBuf,
}

#[derive(Args)]
struct Parts {
    /// What to start, separated by commas: postgres, kafka, mailbox, user-svc, product-svc, order-svc,
    /// notify-svc, gateway. Everything where this is left out.
    #[arg(long, value_delimiter = ',', value_name = "PART,…")]
    parts: Vec<Part>,
}

impl Parts {
    /// A store of these parts in `dir`.
    fn options(self, dir: &Path) -> Options {
        let mut options = Options::new(dir);
        options.progress = Arc::new(tell);
        if !self.parts.is_empty() {
            options.parts = self.parts;
        }
        options
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments).await {
        Ok(code) => code,
        Err(error) => {
            tell(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<ExitCode> {
    match arguments.command {
        Action::Up { folder, parts, free_ports } => {
            let mut options = parts.options(&folder.dir);
            options.ports = if free_ports { Ports::Free } else { Ports::Fixed };
            options.external = External::from_env();
            up(options).await
        }
        Action::Down(Folder { dir }) => {
            let ran = devstack::end_running(&dir).await?;
            tell(if ran { "stopped" } else { "no store runs here" });
            Ok(ExitCode::SUCCESS)
        }
        Action::Reset(Folder { dir }) => {
            devstack::remove(&dir).await?;
            tell(&format!("{} is gone", dir.display()));
            Ok(ExitCode::SUCCESS)
        }
        Action::Catalogue { folder } => {
            devstack::catalogue::write(&folder)?;
            Ok(ExitCode::SUCCESS)
        }
        Action::Secrets { folder } => {
            match folder {
                Some(folder) => setup::make_secret_files(&folder)?,
                None => setup::make_secrets().await?,
            }
            Ok(ExitCode::SUCCESS)
        }
        Action::Topics { kafka_brokers } => {
            setup::make_topics(&kafka_brokers).await?;
            Ok(ExitCode::SUCCESS)
        }
        Action::Exec { parts, command } => exec(parts, &command).await,
    }
}

/// SIGINT, SIGTERM or SIGHUP, also where they were inherited as ignored.
struct Interrupt([unix::Signal; 3]);

impl Interrupt {
    fn listen() -> Result<Self> {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [interrupt, terminate, hangup] = kinds.map(unix::signal);
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

/// A line for the person; there may be nobody left to read it.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "devstack: {line}");
}

async fn up(options: Options) -> Result<ExitCode> {
    let mut interrupt = Interrupt::listen()?;
    let stack = tokio::select! {
        () = interrupt.wait() => return Ok(ExitCode::SUCCESS),
        stack = Stack::prepare(options) => stack?,
    };
    let ended = tokio::select! {
        () = interrupt.wait() => Ok(()),
        error = stand(&stack) => Err(error),
    };
    // Bounded, and not to be hurried: one Ctrl-C may reach us twice, from the terminal and from make.
    tell("stopping");
    stack.stop().await;
    ended.map(|()| ExitCode::SUCCESS)
}

/// Brings the store up and keeps it until it fails.
async fn stand(stack: &Stack) -> anyhow::Error {
    if let Err(error) = stack.bring_up().await {
        return error;
    }
    let _ = writeln!(std::io::stdout(), "{}", stack.welcome());
    stack.failed().await
}

async fn exec(parts: Parts, command: &[String]) -> Result<ExitCode> {
    let mut interrupt = Interrupt::listen()?;
    devstack::sweep(EXEC_FOLDER)?;
    let dir = tempfile::Builder::new().prefix(EXEC_FOLDER).tempdir()?;
    let stack = Stack::prepare(parts.options(dir.path())).await?;
    let ended = tokio::select! {
        () = interrupt.wait() => Ok(ExitCode::FAILURE),
        started = stack.bring_up() => match started {
            Ok(()) => run_beside(&stack, command, &mut interrupt).await,
            Err(error) => Err(error),
        },
    };
    stack.stop().await;
    ended
}

/// Runs the command to its end. What interrupts us ends it too, and so does the end of the store.
async fn run_beside(
    stack: &Stack,
    command: &[String],
    interrupt: &mut Interrupt,
) -> Result<ExitCode> {
    let mut child = Command::new("setpriv");
    child.args(["--pdeathsig", "TERM", "--"]).args(command).envs(stack.test_exports()?);
    // At a terminal it shares our group, so that it may read what is typed.
    let own_group = !std::io::stdin().is_terminal();
    if own_group {
        child.process_group(0);
    }
    let mut child = child.spawn().context("`setpriv` is missing: install util-linux")?;
    let pid =
        child.id().and_then(|pid| i32::try_from(pid).ok()).context("a new child has an id")?;
    let pid = Pid::from_raw(if own_group { -pid } else { pid });
    let ended = tokio::select! {
        status = child.wait() => {
            let code = status?.code().and_then(|code| u8::try_from(code).ok());
            return Ok(code.map_or(ExitCode::FAILURE, ExitCode::from));
        }
        () = interrupt.wait() => Ok(ExitCode::FAILURE),
        error = stack.failed() => Err(error),
    };
    let _ = kill(pid, signal::Signal::SIGTERM);
    if timeout(COMMAND_STOP_MAX, child.wait()).await.is_err() {
        let _ = kill(pid, signal::Signal::SIGKILL);
    }
    ended
}

/// What the names of the folders of `exec` start with.
const EXEC_FOLDER: &str = "devstack-exec-";
/// How long a command may take to end when it is interrupted.
const COMMAND_STOP_MAX: Duration = Duration::from_secs(10);
