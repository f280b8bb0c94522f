//! Faults of single parts, for tests.

use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use tokio::sync::{MappedMutexGuard, MutexGuard};

use super::Stack;
use crate::{
    part::Part,
    process::Program,
    supervisor::{State, Supervisor},
};

impl Stack {
    /// Kills all processes of a part and waits until they are dead. The part is restarted, as after
    /// any death.
    pub async fn kill(&self, part: Part) -> Result<()> {
        self.end_by(part, |_| Signal::SIGKILL).await
    }

    /// Requests a clean stop of a part and waits until it has ended. The part is restarted.
    pub async fn terminate(&self, part: Part) -> Result<()> {
        self.end_by(part, |program| program.stop_signal).await
    }

    async fn end_by(&self, part: Part, signal: fn(&Program) -> Signal) -> Result<()> {
        let mut supervisor = self.supervisor(part).await?;
        let signal = signal(supervisor.program());
        supervisor.end_by(signal).await;
        Ok(())
    }

    /// Halts all processes of a part: it does not respond, and its connections stay open.
    pub async fn pause(&self, part: Part) -> Result<()> {
        self.supervisor(part).await?.signal(Signal::SIGSTOP).await;
        Ok(())
    }

    /// Continues a part after [`Self::pause`].
    pub async fn resume(&self, part: Part) -> Result<()> {
        self.supervisor(part).await?.signal(Signal::SIGCONT).await;
        Ok(())
    }

    /// Stops a part cleanly, until [`Self::start_part`].
    pub async fn stop_part(&self, part: Part) -> Result<()> {
        self.supervisor(part).await?.stop().await;
        Ok(())
    }

    /// Starts a part after [`Self::stop_part`], with additional environment variables. It may not
    /// be ready yet: see [`Self::wait_ready`].
    pub async fn start_part(&self, part: Part, environment: &[(&str, &str)]) -> Result<()> {
        let additional =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let program = self.program(part).await?.environment(additional);
        self.supervisor(part).await?.restart_as(program).await;
        Ok(())
    }

    /// Returns the process id of a part, while it runs.
    pub async fn pid(&self, part: Part) -> Option<u32> {
        match self.parts.lock().await.get(&part)?.state() {
            State::Running { pid } => Some(pid),
            State::Stopped | State::Down | State::Failed => None,
        }
    }

    async fn supervisor(&self, part: Part) -> Result<MappedMutexGuard<'_, Supervisor>> {
        MutexGuard::try_map(self.parts.lock().await, |parts| parts.get_mut(&part))
            .ok()
            .with_context(|| format!("this store has no {part}"))
    }
}
