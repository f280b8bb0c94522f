//! `devstack up`: runs the store until it is interrupted.

use std::{
    io::{Write, stdout},
    process::ExitCode,
};

use anyhow::{Error, Result};
use devstack::{External, Options, Ports, Stack};

use crate::{interrupt::Interrupt, report};

pub(crate) async fn run(mut options: Options, free_ports: bool) -> Result<ExitCode> {
    options.ports = if free_ports { Ports::Free } else { Ports::Fixed };
    options.external = External::from_env();
    let mut interrupt = Interrupt::listen()?;
    let stack = tokio::select! {
        () = interrupt.wait() => return Ok(ExitCode::SUCCESS),
        stack = Stack::prepare(options) => stack?,
    };
    let result = tokio::select! {
        () = interrupt.wait() => Ok(ExitCode::SUCCESS),
        error = run_until_failure(&stack) => Err(error),
    };
    // A second signal does not shorten the stop: one Ctrl-C may arrive twice, from the terminal and
    // from make.
    report("stopping");
    stack.stop().await;
    result
}

async fn run_until_failure(stack: &Stack) -> Error {
    if let Err(error) = stack.bring_up().await {
        return error;
    }
    let _ = writeln!(stdout(), "{}", stack.banner());
    stack.failed().await
}
