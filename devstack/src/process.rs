//! How a child process is started, signalled and watched: a process group of its own, a log file, and
//! a signal from the kernel when we are gone. Knows no part by name.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

/// Lines of a log that an error shows.
const TAIL_LINES: usize = 20;

/// What to run and how to end it.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub executable: PathBuf,
    pub arguments: Vec<OsString>,
    pub environment: Vec<(String, String)>,
    /// The user to run as, where that is not ours.
    pub user: Option<String>,
    /// Asks the program to end in good order.
    pub stop_signal: Signal,
    /// How long it may take for that before it is killed.
    pub stop_timeout: Duration,
    /// Takes standard output and error.
    pub log: PathBuf,
    /// A folder that all its processes work in and no other's: the next life waits until the last
    /// process of the one before has left it.
    pub den: Option<PathBuf>,
}

impl Program {
    /// A program that ends on SIGTERM within 15 seconds.
    pub fn new(executable: impl Into<PathBuf>, log: impl Into<PathBuf>) -> Self {
        Self {
            executable: executable.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            user: None,
            stop_signal: Signal::SIGTERM,
            stop_timeout: Duration::from_secs(15),
            log: log.into(),
            den: None,
        }
    }

    /// The same with more arguments.
    pub fn arguments<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// The same with more environment.
    pub fn environment(mut self, environment: impl IntoIterator<Item = (String, String)>) -> Self {
        self.environment.extend(environment);
        self
    }

    /// The command: `setpriv` sets the death signal and changes the user, then becomes the program.
    fn command(&self) -> Result<Command> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)
            .with_context(|| format!("cannot write {}", self.log.display()))?;
        let mut command = Command::new("setpriv");
        command.arg("--pdeathsig").arg(&self.stop_signal.as_str()["SIG".len()..]);
        if let Some(user) = &self.user {
            // The capability lets the user into folders that only we may enter.
            command.args(["--reuid", user, "--regid", user, "--init-groups"]);
            command.args(["--inh-caps", "+dac_override", "--ambient-caps", "+dac_override"]);
        }
        command.arg("--").arg(&self.executable).args(&self.arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        command.process_group(0).kill_on_drop(true);
        Ok(command)
    }

    /// Starts it. Only the [`home`](crate::home) thread may call this.
    pub fn spawn(&self) -> Result<Child> {
        let name = self.executable.display();
        self.command()?.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                anyhow!("`setpriv` is missing: install the package util-linux")
            }
            _ => anyhow!(error).context(format!("cannot start {name}")),
        })
    }
}

impl std::fmt::Display for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.executable.file_name().unwrap_or(self.executable.as_os_str());
        write!(f, "{}", name.display())?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {}", argument.display()))
    }
}

/// Sends `signal` to a child. What it cannot catch goes to all that descend from it as well, its own
/// process group or not (PostgreSQL's workers open groups of their own); of the rest it tells them itself.
pub(crate) fn signal(child: u32, signal: Signal) {
    let pids = match signal {
        Signal::SIGKILL | Signal::SIGSTOP | Signal::SIGCONT => tree(child),
        _ => vec![child],
    };
    for pid in pids {
        // It may have ended meanwhile.
        let _ = kill(Pid::from_raw(pid as i32), signal);
    }
}

/// Waits until a child that was sent SIGSTOP, and all that descends from it, stands still: one thread
/// takes the signal and halts the others, so that on a busy machine they go on for a moment.
pub(crate) async fn wait_halted(child: u32) {
    let all_halted = async {
        while tree(child).into_iter().any(runs) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let _ = tokio::time::timeout(HALT_MAX, all_halted).await;
}

/// Whether a thread of a process is not halted.
fn runs(pid: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    threads
        .filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok())
        .any(|text| text.rfind(") ").is_some_and(|end| !text[end + 2..].starts_with(['T', 'Z'])))
}

/// `root` and its descendants, parents first.
fn tree(root: u32) -> Vec<u32> {
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

/// What the kernel says of a process.
struct Stat {
    parent: u32,
    /// With the id it names one process for good: ids are used again.
    start_ticks: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, so fields are counted from its end.
    let fields: Vec<&str> = text[text.rfind(')')? + 1..].split_whitespace().collect();
    if *fields.first()? == "Z" {
        return None;
    }
    Some(Stat { parent: fields.get(1)?.parse().ok()?, start_ticks: fields.get(19)?.parse().ok()? })
}

/// A note of a running child, by which the next start finds what a killed devstack left behind.
pub(crate) struct PidFile(PathBuf);

impl PidFile {
    /// Writes the note.
    pub fn write(path: PathBuf, pid: u32) -> Result<Self> {
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

/// Ends what the notes in `folder` speak of, where it still runs, and removes them.
pub(crate) async fn end_leftovers(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let note = fs::read_to_string(&path)?;
        let mut words = note.split_whitespace().map(str::parse::<u64>);
        if let (Some(Ok(pid)), Some(Ok(start_ticks))) = (words.next(), words.next()) {
            let pid = u32::try_from(pid).unwrap_or_default();
            let alive = || stat(pid).is_some_and(|stat| stat.start_ticks == start_ticks);
            outlast(LEFTOVER_MAX, || if alive() { vec![pid] } else { Vec::new() }).await?;
        }
        fs::remove_file(&path)?;
    }
    Ok(())
}

/// Waits until no process works in `den`, and kills what stays too long.
pub(crate) async fn wait_empty(den: &Path) -> Result<()> {
    let inside = |pid: &u32| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == den);
    outlast(DEN_MAX, || processes().filter(inside).collect()).await
}

/// How long threads may take to halt: one that waits for a disk does so first.
const HALT_MAX: Duration = Duration::from_secs(5);
/// How long what a killed devstack left may take to end: the kernel has asked it to.
const LEFTOVER_MAX: Duration = Duration::from_secs(30);
/// How long processes may take to see that their parent died.
const DEN_MAX: Duration = Duration::from_secs(5);

/// Waits until none of `living` is left, kills them after `patience`, and gives up after twice that.
async fn outlast(patience: Duration, living: impl Fn() -> Vec<u32>) -> Result<()> {
    let start = Instant::now();
    loop {
        let left = living();
        if left.is_empty() {
            return Ok(());
        }
        if start.elapsed() > patience * 2 {
            bail!("these processes cannot be killed: {left:?}");
        }
        if start.elapsed() > patience {
            left.iter().for_each(|pid| signal(*pid, Signal::SIGKILL));
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// The last lines of a log.
pub(crate) fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

/// Empties a log, so that it speaks of this run only.
pub(crate) fn truncate(log: &Path) -> Result<()> {
    File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    Ok(())
}
