//! Child processes: how one is started, signalled and found again. Each has a process group of its
//! own, a log file, and a signal from the kernel when devstack dies. Knows no part by name.

use std::{
    ffi::OsString,
    fmt,
    fs::{self, File, OpenOptions},
    io::ErrorKind,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

/// Lines of a log that an error shows.
const TAIL_LINES: usize = 20;
/// How long threads may take to halt: one that waits for a disk halts only afterwards.
const HALT_DURATION_MAX: Duration = Duration::from_secs(5);
/// How long the children of a killed devstack may take to end: the kernel has signalled them.
const ORPHAN_DURATION_MAX: Duration = Duration::from_secs(30);
/// How long processes may take to notice that their parent died.
const LEAVE_DURATION_MAX: Duration = Duration::from_secs(5);

/// What to run and how to stop it.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) executable: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: Vec<(String, String)>,
    /// The user to run as, where that is not devstack's own.
    pub(crate) user: Option<String>,
    /// Requests a clean stop.
    pub(crate) stop_signal: Signal,
    /// How long a clean stop may take before the program is killed.
    pub(crate) stop_timeout: Duration,
    /// Receives standard output and error.
    pub(crate) log: PathBuf,
    /// The working directory of all its processes and of no others: the next start waits until the
    /// last process of the one before has left it.
    pub(crate) exclusive_dir: Option<PathBuf>,
}

impl Program {
    /// Returns a program that stops on SIGTERM within 15 seconds.
    pub(crate) fn new(executable: impl Into<PathBuf>, log: impl Into<PathBuf>) -> Self {
        Self {
            executable: executable.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            user: None,
            stop_signal: Signal::SIGTERM,
            stop_timeout: Duration::from_secs(15),
            log: log.into(),
            exclusive_dir: None,
        }
    }

    /// Adds arguments.
    pub(crate) fn arguments<A: Into<OsString>>(
        mut self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Adds environment variables.
    pub(crate) fn environment(
        mut self,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        self.environment.extend(environment);
        self
    }

    /// Returns the command: `setpriv` sets the death signal and changes the user, then becomes the
    /// program.
    fn command(&self) -> Result<Command> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)
            .with_context(|| format!("cannot write {}", self.log.display()))?;
        let mut command = Command::new("setpriv");
        command.arg("--pdeathsig").arg(&self.stop_signal.as_str()["SIG".len()..]);
        if let Some(user) = &self.user {
            // The capability lets the user into folders that only devstack's user may enter.
            command.args(["--reuid", user, "--regid", user, "--init-groups"]);
            command.args(["--inh-caps", "+dac_override", "--ambient-caps", "+dac_override"]);
        }
        command.arg("--").arg(&self.executable).args(&self.arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        command.process_group(0).kill_on_drop(true);
        Ok(command)
    }

    /// Starts the program. Only the [`spawn_thread`](crate::spawn_thread) may call this.
    pub(crate) fn spawn(&self) -> Result<Child> {
        let name = self.executable.display();
        self.command()?.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => anyhow!("`setpriv` is missing: install the package util-linux"),
            _ => anyhow!(error).context(format!("cannot start {name}")),
        })
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.executable.file_name().unwrap_or(self.executable.as_os_str());
        write!(f, "{}", name.display())?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {}", argument.display()))
    }
}

/// Sends `signal` to a child. SIGKILL, SIGSTOP and SIGCONT go to all its descendants as well,
/// whatever their process group (PostgreSQL's workers open groups of their own); the child forwards
/// other signals.
pub(crate) fn signal(child: u32, signal: Signal) {
    let pids = match signal {
        Signal::SIGKILL | Signal::SIGSTOP | Signal::SIGCONT => process_tree(child),
        _ => vec![child],
    };
    for pid in pids {
        // It may have ended meanwhile.
        let _ = kill(Pid::from_raw(pid as i32), signal);
    }
}

/// Kills a child and all its descendants, and waits until its process group is empty: a process that
/// was forked meanwhile is in the group, though not among the descendants that were found before.
pub(crate) async fn kill_group(child: u32) -> Result<()> {
    signal(child, Signal::SIGKILL);
    let in_group = |pid: &u32| stat(*pid).is_some_and(|stat| stat.group == child);
    wait_or_kill(Duration::ZERO, HALT_DURATION_MAX, || processes().filter(in_group).collect()).await
}

/// Waits until a child that received SIGSTOP, and all its descendants, have halted. One thread
/// takes the signal and halts the others, which on a busy machine continue for a moment.
pub(crate) async fn wait_halted(child: u32) {
    let all_halted = async {
        while process_tree(child).into_iter().any(has_running_thread) {
            sleep(Duration::from_millis(1)).await;
        }
    };
    let _ = timeout(HALT_DURATION_MAX, all_halted).await;
}

fn has_running_thread(pid: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    threads
        .filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok())
        .any(|text| text.rfind(") ").is_some_and(|end| !text[end + 2..].starts_with(['T', 'Z'])))
}

/// Returns `root` and its descendants, parents first.
fn process_tree(root: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> =
        processes().filter_map(|pid| Some((pid, stat(pid)?.parent))).collect();
    let mut found = vec![root];
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found
}

fn processes() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

struct Stat {
    parent: u32,
    group: u32,
    /// Together with the id it identifies a process: the kernel reuses ids.
    start_ticks: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may contain anything, so fields are counted from its end.
    let fields: Vec<&str> = text[text.rfind(')')? + 1..].split_whitespace().collect();
    if *fields.first()? == "Z" {
        return None;
    }
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        start_ticks: fields.get(19)?.parse().ok()?,
    })
}

/// The record of a running child, by which the next start finds what a killed devstack left
/// running.
pub(crate) struct PidFile(PathBuf);

impl PidFile {
    pub(crate) fn write(path: PathBuf, pid: u32) -> Result<Self> {
        let start_ticks = stat(pid).map_or(0, |stat| stat.start_ticks);
        fs::write(&path, format!("{pid} {start_ticks}\n"))?;
        Ok(Self(path))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Ends the processes of the [`PidFile`]s in `folder` that still run, and removes the files.
pub(crate) async fn end_orphans(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let record = fs::read_to_string(&path)?;
        let mut words = record.split_whitespace().map(str::parse::<u64>);
        if let (Some(Ok(pid)), Some(Ok(start_ticks))) = (words.next(), words.next()) {
            let pid = u32::try_from(pid).unwrap_or_default();
            let runs = || stat(pid).is_some_and(|stat| stat.start_ticks == start_ticks);
            let left = || if runs() { vec![pid] } else { Vec::new() };
            wait_or_kill(ORPHAN_DURATION_MAX, 2 * ORPHAN_DURATION_MAX, left).await?;
        }
        fs::remove_file(&path)?;
    }
    Ok(())
}

/// Waits until no process has the working directory `dir`, and kills those that stay too long.
pub(crate) async fn wait_unused(dir: &Path) -> Result<()> {
    let inside = |pid: &u32| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == dir);
    let left = || processes().filter(inside).collect();
    wait_or_kill(LEAVE_DURATION_MAX, 2 * LEAVE_DURATION_MAX, left).await
}

/// Waits until `running` returns no process, kills what it returns after `kill_after`, and fails
/// after `fail_after`.
async fn wait_or_kill(
    kill_after: Duration,
    fail_after: Duration,
    running: impl Fn() -> Vec<u32>,
) -> Result<()> {
    let start = Instant::now();
    loop {
        let left = running();
        if left.is_empty() {
            return Ok(());
        }
        if start.elapsed() > fail_after {
            bail!("these processes cannot be killed: {left:?}");
        }
        if start.elapsed() >= kill_after {
            left.iter().for_each(|pid| signal(*pid, Signal::SIGKILL));
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// Returns the last lines of a log.
pub(crate) fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

/// Empties a log, so that it contains this run only.
pub(crate) fn truncate(log: &Path) -> Result<()> {
    File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    Ok(())
}
