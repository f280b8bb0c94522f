//! The state folder: whose it is, how a store that runs in it is ended from outside, and what becomes
//! of it.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::{Instant, sleep};

use crate::secrets::create_private_folder;

const LOCK: &str = "lock";

/// Makes the folder ours for as long as the answer lives. The kernel lets go of it when we die.
pub(crate) fn claim(dir: &Path) -> Result<File> {
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
                "a store runs in {} already{pid}: use it, or end it with `make down`",
                dir.display()
            );
        }
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    lock.set_len(0)?;
    lock.write_all(std::process::id().to_string().as_bytes())?;
    Ok(lock)
}

/// Removes what killed programs left in the folder of temporary files: folders whose name starts with
/// `prefix` and whose lock nobody holds.
pub fn sweep(prefix: &str) -> Result<()> {
    for entry in fs::read_dir(std::env::temp_dir())?.flatten() {
        let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix));
        if ours
            && File::open(entry.path().join(LOCK)).is_ok_and(|lock| free(&lock).unwrap_or(false))
        {
            // Another program may sweep it at the same time.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

/// Ends the store that runs in `dir`, and waits until it has. False: none ran.
pub async fn end_running(dir: &Path) -> Result<bool> {
    const WAIT_MAX: Duration = Duration::from_secs(120);
    let Ok(mut lock) = File::open(dir.join(LOCK)) else { return Ok(false) };
    if free(&lock)? {
        return Ok(false);
    }
    let pid = read_pid(&mut lock).context("the store that runs has not said its process id")?;
    kill(Pid::from_raw(pid), Signal::SIGTERM)
        .with_context(|| format!("cannot end the store, process {pid}"))?;
    let start = Instant::now();
    while !free(&lock)? {
        if start.elapsed() > WAIT_MAX {
            bail!("the store, process {pid}, has not ended within {} s", WAIT_MAX.as_secs());
        }
        sleep(Duration::from_millis(50)).await;
    }
    Ok(true)
}

/// Ends the store that runs in `dir`, and removes all its state.
pub async fn remove(dir: &Path) -> Result<()> {
    end_running(dir).await?;
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", dir.display()))
        }
        _ => Ok(()),
    }
}

fn free(lock: &File) -> Result<bool> {
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
