//! Keeps one part running: restarts it with backoff when it dies, gives up after [`DEATHS_MAX`]
//! deaths in a row, and carries out commands. One task for each part, on the [`spawn_thread`].

use std::{io, path::PathBuf, process::ExitStatus, time::Duration};

use anyhow::Result;
use nix::sys::signal::Signal;
use tokio::{
    pin,
    process::Child,
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep, timeout},
};

use crate::{
    options::Progress,
    process::{self, PidFile, Program, tail, wait_unused},
    spawn_thread,
};

/// Deaths in a row after which the whole store fails.
const DEATHS_MAX: u32 = 5;
/// A part that ran this long starts a new row of deaths.
const STABLE_DURATION: Duration = Duration::from_secs(10);
/// The backoff after the first death; it doubles with each death in a row.
const BACKOFF_MIN: Duration = Duration::from_millis(200);

/// The state of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Ended by a command.
    Stopped,
    /// Runs, ready or not.
    Running { pid: u32 },
    /// Died, and will be restarted.
    Down,
    /// Died [`DEATHS_MAX`] times in a row.
    Failed,
}

enum Command {
    /// Sends a signal to the part, if it runs.
    Signal(Signal, oneshot::Sender<()>),
    Stop(oneshot::Sender<()>),
    Start(Program),
}

/// The handle of one supervised part. Dropping it kills the part.
pub(crate) struct Supervisor {
    program: Program,
    commands: mpsc::Sender<Command>,
    state: watch::Receiver<State>,
}

impl Supervisor {
    /// Starts the part and its supervision. `failure` receives the text of a part that has failed.
    pub(crate) fn start(
        name: String,
        program: Program,
        pid_file: PathBuf,
        progress: Progress,
        failure: watch::Sender<Option<String>>,
    ) -> Self {
        let (commands, inbox) = mpsc::channel(8);
        let (state, states) = watch::channel(State::Down);
        let task = Supervision {
            name,
            program: program.clone(),
            pid_file,
            progress,
            failure,
            inbox,
            state,
            deaths: 0,
            signalled: false,
        };
        spawn_thread::spawn(task.run());
        Self { program, commands, state: states }
    }

    /// Returns the current state.
    pub(crate) fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// Returns the program that the part runs.
    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    /// Sends a signal to the part, if it runs.
    pub(crate) async fn signal(&self, signal: Signal) {
        let (done, wait) = oneshot::channel();
        let _ = self.commands.send(Command::Signal(signal, done)).await;
        let _ = wait.await;
    }

    /// Ends the part by a signal, if it runs. It does not count as a death, and the part is
    /// restarted.
    pub(crate) async fn end_by(&mut self, signal: Signal) {
        let before = self.state();
        if !matches!(before, State::Running { .. }) {
            return;
        }
        self.signal(signal).await;
        let _ = self.state.wait_for(|state| *state != before).await;
    }

    /// Stops the part cleanly, without a restart.
    pub(crate) async fn stop(&self) {
        let (done, wait) = oneshot::channel();
        let _ = self.commands.send(Command::Stop(done)).await;
        let _ = wait.await;
    }

    /// Starts the part again after [`Self::stop`], from now on as `program`.
    pub(crate) async fn restart_as(&mut self, program: Program) {
        self.program = program.clone();
        let _ = self.commands.send(Command::Start(program)).await;
        let _ = self.state.wait_for(|state| *state != State::Stopped).await;
    }
}

/// The task behind a [`Supervisor`].
struct Supervision {
    name: String,
    program: Program,
    pid_file: PathBuf,
    progress: Progress,
    failure: watch::Sender<Option<String>>,
    inbox: mpsc::Receiver<Command>,
    state: watch::Sender<State>,
    /// Deaths in a row.
    deaths: u32,
    /// Whether a command sent a deadly signal to the child that runs now.
    signalled: bool,
}

/// Why a child ended.
enum End {
    Died(String),
    Stopped,
    /// The [`Supervisor`] was dropped.
    Dropped,
}

impl Supervision {
    async fn run(mut self) {
        loop {
            let started_at = Instant::now();
            let end = match self.spawn().await {
                Ok(child) => self.supervise(child).await,
                Err(error) => End::Died(format!("{error:#}")),
            };
            let restart = match end {
                End::Died(cause) => {
                    if started_at.elapsed() >= STABLE_DURATION {
                        self.deaths = 0;
                    }
                    self.handle_death(cause).await
                }
                End::Stopped => self.wait_for_start().await,
                End::Dropped => false,
            };
            if !restart {
                return;
            }
        }
    }

    async fn spawn(&self) -> Result<Child> {
        if let Some(dir) = &self.program.exclusive_dir {
            wait_unused(dir).await?;
        }
        self.program.spawn()
    }

    /// Carries out commands until the child ends.
    async fn supervise(&mut self, mut child: Child) -> End {
        let Some(pid) = child.id() else { return End::Died("ended at once".into()) };
        let _pid_file = PidFile::write(self.pid_file.clone(), pid);
        self.signalled = false;
        self.state.send_replace(State::Running { pid });
        loop {
            tokio::select! {
                status = child.wait() => return End::Died(describe(status)),
                command = self.inbox.recv() => match command {
                    Some(Command::Signal(signal, done)) => {
                        self.signalled |= !matches!(signal, Signal::SIGSTOP | Signal::SIGCONT);
                        process::signal(pid, signal);
                        if signal == Signal::SIGSTOP {
                            process::wait_halted(pid).await;
                        }
                        let _ = done.send(());
                    }
                    Some(Command::Stop(done)) => {
                        stop(&mut child, pid, &self.program).await;
                        self.state.send_replace(State::Stopped);
                        let _ = done.send(());
                        return End::Stopped;
                    }
                    Some(Command::Start(_)) => {}
                    None => {
                        process::signal(pid, Signal::SIGKILL);
                        let _ = child.wait().await;
                        return End::Dropped;
                    }
                },
            }
        }
    }

    /// Counts and reports a death, then waits for the time of the restart. Returns whether to
    /// restart.
    async fn handle_death(&mut self, cause: String) -> bool {
        self.deaths += u32::from(!self.signalled);
        let name = &self.name;
        if self.deaths >= DEATHS_MAX {
            self.fail(&cause).await;
            return false;
        }
        let backoff = BACKOFF_MIN * 2u32.pow(self.deaths.saturating_sub(1));
        let millis = backoff.as_millis();
        (self.progress)(&format!("{name} died ({cause}), restarts in {millis} ms"));
        self.state.send_replace(State::Down);
        let restart_time = sleep(backoff);
        pin!(restart_time);
        loop {
            tokio::select! {
                () = &mut restart_time => return true,
                command = self.inbox.recv() => match command {
                    Some(Command::Stop(done)) => {
                        self.state.send_replace(State::Stopped);
                        let _ = done.send(());
                        return self.wait_for_start().await;
                    }
                    Some(Command::Signal(..) | Command::Start(_)) => {}
                    None => return false,
                },
            }
        }
    }

    /// Reports the failure and waits until the [`Supervisor`] is dropped.
    async fn fail(&mut self, cause: &str) {
        let log = &self.program.log;
        let text = format!(
            "{} died {DEATHS_MAX} times in a row, at last: {cause}. The end of {}:\n{}",
            self.name,
            log.display(),
            tail(log)
        );
        self.state.send_replace(State::Failed);
        self.failure.send_replace(Some(text));
        // Dropping a command completes it: the part is already stopped.
        while let Some(command) = self.inbox.recv().await {
            drop(command);
        }
    }

    /// Waits, stopped, for the command to start. Returns false when the [`Supervisor`] is dropped.
    async fn wait_for_start(&mut self) -> bool {
        self.deaths = 0;
        loop {
            match self.inbox.recv().await {
                Some(Command::Start(program)) => {
                    self.program = program;
                    self.state.send_replace(State::Down);
                    return true;
                }
                Some(Command::Stop(done)) => {
                    let _ = done.send(());
                }
                Some(Command::Signal(..)) => {}
                None => return false,
            }
        }
    }
}

/// Stops a child cleanly, and kills it after its timeout.
async fn stop(child: &mut Child, pid: u32, program: &Program) {
    process::signal(pid, program.stop_signal);
    // A halted process handles no signal until it continues.
    process::signal(pid, Signal::SIGCONT);
    if timeout(program.stop_timeout, child.wait()).await.is_err() {
        process::signal(pid, Signal::SIGKILL);
        let _ = child.wait().await;
    }
}

fn describe(status: io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    }
}
