//! Programs that run once and end: `initdb`, the services' `migrate`, the import of the catalogue.

use std::time::Duration;

use anyhow::{Result, bail};
use nix::sys::signal::Signal;
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use crate::home;
use crate::process::{Program, signal, tail};

/// The chores of one store.
#[derive(Default)]
pub(crate) struct Chores(TaskTracker);

impl Chores {
    /// Runs a program to its end; anything but success is an error that shows the end of its log. It is
    /// killed when its time is up, and when nobody waits for it any more.
    pub async fn run(&self, program: Program, timeout: Duration) -> Result<()> {
        let (_waits, nobody_waits) = oneshot::channel();
        home::spawn(self.0.track_future(run(program, timeout, nobody_waits))).await?
    }

    /// Waits until all have ended, those that were left alone as well.
    pub async fn settle(&self) {
        self.0.close();
        self.0.wait().await;
    }
}

async fn run(
    program: Program,
    timeout: Duration,
    nobody_waits: oneshot::Receiver<()>,
) -> Result<()> {
    let mut child = program.spawn()?;
    let ended = tokio::select! {
        status = child.wait() => Some(status?),
        _ = tokio::time::sleep(timeout) => None,
        _ = nobody_waits => None,
    };
    match ended {
        Some(status) if status.success() => Ok(()),
        Some(status) => bail!("`{program}` failed ({status}):\n{}", tail(&program.log)),
        None => {
            child.id().into_iter().for_each(|pid| signal(pid, Signal::SIGKILL));
            child.wait().await?;
            bail!("`{program}` did not end within {} s", timeout.as_secs())
        }
    }
}
