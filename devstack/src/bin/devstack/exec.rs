//! `devstack exec`: runs a command beside a new store.

use std::{
    io::{IsTerminal, stdin},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result};
use devstack::Stack;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{process::Command, time::timeout};

use crate::{arguments::Parts, interrupt::Interrupt};

/// The prefix of the names of the state folders.
const FOLDER_PREFIX: &str = "devstack-exec-";
/// How long an interrupted command may take to end.
const COMMAND_STOP_MAX: Duration = Duration::from_secs(10);

/// Returns the exit code of the command.
pub(crate) async fn run(parts: Parts, command: &[String]) -> Result<ExitCode> {
    let mut interrupt = Interrupt::listen()?;
    devstack::remove_abandoned(FOLDER_PREFIX)?;
    let dir = tempfile::Builder::new().prefix(FOLDER_PREFIX).tempdir()?;
    let stack = Stack::prepare(parts.options(dir.path())).await?;
    let result = tokio::select! {
        () = interrupt.wait() => Ok(ExitCode::FAILURE),
        started = stack.bring_up() => match started {
            Ok(()) => run_command(&stack, command, &mut interrupt).await,
            Err(error) => Err(error),
        },
    };
    stack.stop().await;
    result
}

/// Runs the command until it ends, the store fails, or devstack is interrupted.
async fn run_command(
    stack: &Stack,
    command: &[String],
    interrupt: &mut Interrupt,
) -> Result<ExitCode> {
    let mut child = Command::new("setpriv");
    child.args(["--pdeathsig", "TERM", "--"]).args(command).envs(stack.test_exports()?);
    // At a terminal the command stays in devstack's process group, so that it may read input.
    let own_group = !stdin().is_terminal();
    if own_group {
        child.process_group(0);
    }
    let mut child = child.spawn().context("`setpriv` is missing: install util-linux")?;
    let pid =
        child.id().and_then(|pid| i32::try_from(pid).ok()).context("a new child has an id")?;
    let pid = Pid::from_raw(if own_group { -pid } else { pid });
    let result = tokio::select! {
        status = child.wait() => {
            let code = status?.code().and_then(|code| u8::try_from(code).ok());
            return Ok(code.map_or(ExitCode::FAILURE, ExitCode::from));
        }
        () = interrupt.wait() => Ok(ExitCode::FAILURE),
        error = stack.failed() => Err(error),
    };
    let _ = kill(pid, Signal::SIGTERM);
    if timeout(COMMAND_STOP_MAX, child.wait()).await.is_err() {
        let _ = kill(pid, Signal::SIGKILL);
    }
    result
}
