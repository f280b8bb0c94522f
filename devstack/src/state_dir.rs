//! The state folder: its lock, how a store that uses it is stopped from another process, and its
//! removal.

use std::{
    env,
    fs::{self, File, TryLockError},
    io::{ErrorKind, Read, Write},
    path::Path,
    process,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use setup::files::create_private_folder;
use tokio::time::{Instant, sleep};

const LOCK: &str = "lock";

/// Creates the folder and locks it for as long as the returned file lives. The kernel releases the
/// lock of a process that dies.
pub(crate) fn lock(dir: &Path) -> Result<File> {
    create_private_folder(dir)?;
    for folder in ["logs", "run"] {
        create_private_folder(&dir.join(folder))?;
    }
    let mut lock = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(dir.join(LOCK))
        .with_context(|| format!("cannot write in {}", dir.display()))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let pid =
                read_pid(&mut lock).map(|pid| format!(" (process {pid})")).unwrap_or_default();
            bail!(
                "a store runs in {} already{pid}: use it, or stop it with `make down`",
                dir.display()
            );
        }
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    lock.set_len(0)?;
    lock.write_all(process::id().to_string().as_bytes())?;
    Ok(lock)
}

/// Removes the state folders of killed programs from the system's temporary folder: those whose
/// name starts with `prefix` and that no process locks.
pub fn remove_abandoned(prefix: &str) -> Result<()> {
    for entry in fs::read_dir(env::temp_dir())?.flatten() {
        let matches = entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix));
        if matches
            && File::open(entry.path().join(LOCK))
                .is_ok_and(|lock| is_unlocked(&lock).unwrap_or(false))
        {
            // Another program may remove it at the same time.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

/// Stops the store that runs in `dir` and waits until it has ended. Returns false if none ran.
pub async fn stop_running(dir: &Path) -> Result<bool> {
    const WAIT_MAX: Duration = Duration::from_secs(120);
    let Ok(mut lock) = File::open(dir.join(LOCK)) else { return Ok(false) };
    if is_unlocked(&lock)? {
        return Ok(false);
    }
    let pid = read_pid(&mut lock).context("the running store has not written its process id")?;
    kill(Pid::from_raw(pid), Signal::SIGTERM)
        .with_context(|| format!("cannot stop the store, process {pid}"))?;
    let start = Instant::now();
    while !is_unlocked(&lock)? {
        if start.elapsed() > WAIT_MAX {
            bail!("the store, process {pid}, has not ended within {} s", WAIT_MAX.as_secs());
        }
        sleep(Duration::from_millis(50)).await;
    }
    Ok(true)
}

/// Stops the store that runs in `dir`, and removes all its state.
pub async fn remove(dir: &Path) -> Result<()> {
    stop_running(dir).await?;
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", dir.display()))
        }
        _ => Ok(()),
    }
}

fn is_unlocked(lock: &File) -> Result<bool> {
    match lock.try_lock_shared() {
        Ok(()) => {
            lock.unlock()?;
            Ok(true)
        }
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

fn read_pid(lock: &mut File) -> Option<i32> {
    let mut text = String::new();
    lock.read_to_string(&mut text).ok()?;
    text.parse().ok()
}
