//! Keeps one part running: starts it again with back-off when it dies, gives up after
//! [`DEATHS_MAX`] deaths in a row, and carries out orders. One task a part, on the home thread.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Result;
use nix::sys::signal::Signal;
use tokio::process::Child;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout};

use crate::process::{self, PidFile, Program, tail, wait_empty};
use crate::{Progress, home};

/// Deaths in a row that end it all.
const DEATHS_MAX: u32 = 5;
/// A part that stood this long starts a new row.
const STOOD: Duration = Duration::from_secs(10);
/// The first pause before a new start; it doubles with each death of a row.
const BACK_OFF_MIN: Duration = Duration::from_millis(200);

/// Where a part stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Ended because it was told to.
    Stopped,
    /// Runs, ready or not.
    Running { pid: u32 },
    /// Died, and waits for its next start.
    Down,
    /// Died too often.
    Failed,
}

enum Order {
    /// To the part, if it runs.
    Signal(Signal, oneshot::Sender<()>),
    Stop(oneshot::Sender<()>),
    Start(Program),
}

/// The handle of one supervised part. Dropping it kills the part.
pub(crate) struct Supervisor {
    program: Program,
    orders: mpsc::Sender<Order>,
    state: watch::Receiver<State>,
}

impl Supervisor {
    /// Starts the part and keeps it.
    pub fn start(
        name: String,
        program: Program,
        pid_file: PathBuf,
        progress: Progress,
        failure: watch::Sender<Option<String>>,
    ) -> Self {
        let (orders, inbox) = mpsc::channel(8);
        let (state, states) = watch::channel(State::Down);
        let keeper = Keeper {
            name,
            program: program.clone(),
            pid_file,
            progress,
            failure,
            inbox,
            state,
            deaths: 0,
            sent: false,
        };
        home::spawn(keeper.run());
        Self { program, orders, state: states }
    }

    /// Where it stands, now and later.
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// What runs there.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Sends it a signal, if it runs.
    pub async fn signal(&self, signal: Signal) {
        let (done, wait) = oneshot::channel();
        let _ = self.orders.send(Order::Signal(signal, done)).await;
        let _ = wait.await;
    }

    /// Ends it by a signal, if it runs. That does not count as a death, and it starts again.
    pub async fn end_life(&mut self, signal: Signal) {
        let life = self.state.borrow().clone();
        if !matches!(life, State::Running { .. }) {
            return;
        }
        self.signal(signal).await;
        let _ = self.state.wait_for(|state| *state != life).await;
    }

    /// Ends it in good order and leaves it so.
    pub async fn stop(&self) {
        let (done, wait) = oneshot::channel();
        let _ = self.orders.send(Order::Stop(done)).await;
        let _ = wait.await;
    }

    /// Starts it after [`Self::stop`], as `program` from now on.
    pub async fn start_again(&mut self, program: Program) {
        self.program = program.clone();
        let _ = self.orders.send(Order::Start(program)).await;
        let _ = self.state.wait_for(|state| *state != State::Stopped).await;
    }
}

/// The task behind a [`Supervisor`].
struct Keeper {
    name: String,
    program: Program,
    pid_file: PathBuf,
    progress: Progress,
    /// Takes the text that ends it all.
    failure: watch::Sender<Option<String>>,
    inbox: mpsc::Receiver<Order>,
    state: watch::Sender<State>,
    /// Deaths in a row.
    deaths: u32,
    /// Whether we sent a deadly signal to the child that runs now.
    sent: bool,
}

/// Why a life ended.
enum End {
    Died(String),
    Stopped,
    /// Nobody holds the handle any more.
    Dropped,
}

impl Keeper {
    async fn run(mut self) {
        loop {
            let born = Instant::now();
            let end = match self.spawn().await {
                Ok(child) => self.watch(child).await,
                Err(error) => End::Died(format!("{error:#}")),
            };
            let go_on = match end {
                End::Died(how) => {
                    if born.elapsed() >= STOOD {
                        self.deaths = 0;
                    }
                    self.mourn(how).await
                }
                End::Stopped => self.rest().await,
                End::Dropped => false,
            };
            if !go_on {
                return;
            }
        }
    }

    async fn spawn(&self) -> Result<Child> {
        if let Some(den) = &self.program.den {
            wait_empty(den).await?;
        }
        self.program.spawn()
    }

    /// Watches one life of the part.
    async fn watch(&mut self, mut child: Child) -> End {
        let Some(pid) = child.id() else { return End::Died("ended at once".into()) };
        let _note = PidFile::write(self.pid_file.clone(), pid);
        self.sent = false;
        self.state.send_replace(State::Running { pid });
        loop {
            tokio::select! {
                status = child.wait() => return End::Died(describe(status)),
                order = self.inbox.recv() => match order {
                    Some(Order::Signal(signal, done)) => {
                        self.sent |= !matches!(signal, Signal::SIGSTOP | Signal::SIGCONT);
                        process::signal(pid, signal);
                        if signal == Signal::SIGSTOP {
                            process::wait_halted(pid).await;
                        }
                        let _ = done.send(());
                    }
                    Some(Order::Stop(done)) => {
                        end(&mut child, pid, &self.program).await;
                        self.state.send_replace(State::Stopped);
                        let _ = done.send(());
                        return End::Stopped;
                    }
                    Some(Order::Start(_)) => {}
                    None => {
                        process::signal(pid, Signal::SIGKILL);
                        let _ = child.wait().await;
                        return End::Dropped;
                    }
                },
            }
        }
    }

    /// Counts a death, tells it and waits until the next start. False: there is none.
    async fn mourn(&mut self, how: String) -> bool {
        self.deaths += u32::from(!self.sent);
        let name = &self.name;
        if self.deaths >= DEATHS_MAX {
            let log = &self.program.log;
            let text = format!(
                "{name} died {DEATHS_MAX} times in a row, at last: {how}. The end of {}:\n{}",
                log.display(),
                tail(log)
            );
            self.state.send_replace(State::Failed);
            self.failure.send_replace(Some(text));
            // A part that failed is stopped already; whoever stops it must not wait.
            while let Some(order) = self.inbox.recv().await {
                drop(order);
            }
            return false;
        }
        let pause = BACK_OFF_MIN * 2u32.pow(self.deaths.saturating_sub(1));
        (self.progress)(&format!("{name} died ({how}), starts again in {} ms", pause.as_millis()));
        self.state.send_replace(State::Down);
        let due = sleep(pause);
        tokio::pin!(due);
        loop {
            tokio::select! {
                () = &mut due => return true,
                order = self.inbox.recv() => match order {
                    Some(Order::Stop(done)) => {
                        self.state.send_replace(State::Stopped);
                        let _ = done.send(());
                        return self.rest().await;
                    }
                    Some(Order::Signal(..) | Order::Start(_)) => {}
                    None => return false,
                },
            }
        }
    }

    /// Waits, stopped, until it is told to start. False: never.
    async fn rest(&mut self) -> bool {
        self.deaths = 0;
        loop {
            match self.inbox.recv().await {
                Some(Order::Start(program)) => {
                    self.program = program;
                    self.state.send_replace(State::Down);
                    return true;
                }
                Some(Order::Stop(done)) => {
                    let _ = done.send(());
                }
                Some(Order::Signal(..)) => {}
                None => return false,
            }
        }
    }
}

/// Ends a child in good order, and by force once its time is up.
async fn end(child: &mut Child, pid: u32, program: &Program) {
    process::signal(pid, program.stop_signal);
    // A paused process takes no signal until it goes on.
    process::signal(pid, Signal::SIGCONT);
    if timeout(program.stop_timeout, child.wait()).await.is_err() {
        process::signal(pid, Signal::SIGKILL);
        let _ = child.wait().await;
    }
}

fn describe(status: std::io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    }
}
