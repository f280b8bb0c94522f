//! Programs that run once and end: `initdb`, the services' `migrate`, the import of the catalogue.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::{sync::oneshot, time::sleep};
use tokio_util::task::TaskTracker;

use crate::{
    process::{Program, kill_group, tail},
    spawn_thread,
};

/// The one-shot programs of one store.
#[derive(Default)]
pub(crate) struct OneShots(TaskTracker);

impl OneShots {
    /// Runs a program until it ends; any exit code but 0 is an error that shows the end of its log.
    /// The program is killed after `timeout`, and when the returned future is dropped.
    pub(crate) async fn run(&self, program: Program, timeout: Duration) -> Result<()> {
        let (_caller_waits, cancelled) = oneshot::channel();
        spawn_thread::spawn(self.0.track_future(run(program, timeout, cancelled))).await?
    }

    /// Waits until all have ended, also those whose caller no longer waits.
    pub(crate) async fn drain(&self) {
        self.0.close();
        self.0.wait().await;
    }
}

async fn run(program: Program, timeout: Duration, cancelled: oneshot::Receiver<()>) -> Result<()> {
    let mut child = program.spawn()?;
    let status = tokio::select! {
        status = child.wait() => Some(status?),
        _ = sleep(timeout) => None,
        _ = cancelled => None,
    };
    match status {
        Some(status) if status.success() => Ok(()),
        Some(status) => bail!("`{program}` failed ({status}):\n{}", tail(&program.log)),
        None => {
            if let Some(pid) = child.id() {
                kill_group(pid).await?;
            }
            child.wait().await?;
            bail!("`{program}` did not end within {} s", timeout.as_secs())
        }
    }
}
