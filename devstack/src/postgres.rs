//! The database server: a cluster of our own in the state folder, with one database and one role a
//! service.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use nix::unistd::{Uid, User};
use tokio_postgres::{Client, NoTls};
use topology::Service;

use crate::chores::Chores;
use crate::process::Program;
use crate::secrets::Secrets;

/// The role that may do anything.
pub(crate) const SUPERUSER: &str = "postgres";
/// The role of tests: may create databases, and owns them.
pub(crate) const TESTER: &str = "tester";

const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=200",
    "shared_buffers=256MB",
    "timezone=UTC",
    "log_timezone=UTC",
    "log_line_prefix=%m [%p] %q%u@%d ",
];

/// The program that serves `data` at `port`; makes the cluster where there is none.
pub(crate) async fn program(
    dir: &Path,
    port: u16,
    secrets: &Secrets,
    chores: &Chores,
) -> Result<Program> {
    let data = dir.join("postgres");
    let log = dir.join("logs/postgres.log");
    let binaries = binaries(&data)?;
    let user = unprivileged_user()?;
    if !data.join("PG_VERSION").exists() {
        initialize(&binaries, &data, &log, user.as_ref(), secrets, chores).await?;
    }
    forget_dead_postmaster(&data)?;
    let mut program =
        Program::new(binaries.join("postgres"), log).arguments(["-D"]).arguments([&data]);
    for setting in SETTINGS {
        program = program.arguments(["-c", setting]);
    }
    program = program.arguments(["-p", &port.to_string()]);
    program.user = user.map(|user| user.name);
    // Fast shutdown: SIGTERM would wait for every client to leave.
    program.stop_signal = Signal::SIGINT;
    program.stop_timeout = Duration::from_secs(30);
    // Its workers outlive it a little, and keep the next server out while they do.
    program.den = Some(data);
    Ok(program)
}

/// Where `postgres` and `initdb` are: of the version that wrote the data, else the newest.
fn binaries(data: &Path) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = installed().into_iter().map(|(_, folder)| folder).collect();
    folders.extend(std::env::split_paths(&path));
    folders.retain(|folder| folder.join("initdb").exists());
    let Some(newest) = folders.first() else {
        bail!("PostgreSQL is missing: run `make deps`, or install the package postgresql");
    };
    let Ok(version) = fs::read_to_string(data.join("PG_VERSION")) else {
        return Ok(newest.clone());
    };
    let version = version.trim();
    let wrote_it = installed().into_iter().find(|(installed, _)| installed.to_string() == version);
    // Elsewhere than on Debian the folder does not tell the version; the server then does.
    Ok(wrote_it.map_or_else(|| newest.clone(), |(_, folder)| folder))
}

/// The versions that Debian's packages put beside each other, newest first.
fn installed() -> Vec<(u32, PathBuf)> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let folder = entry.ok()?.path();
            Some((folder.file_name()?.to_str()?.parse().ok()?, folder.join("bin")))
        })
        .collect();
    versions.sort();
    versions.reverse();
    versions
}

/// PostgreSQL refuses to run as root; then it is this user.
fn unprivileged_user() -> Result<Option<User>> {
    if !Uid::effective().is_root() {
        return Ok(None);
    }
    match User::from_name("postgres")? {
        Some(user) => Ok(Some(user)),
        None => {
            bail!("PostgreSQL does not run as root, and there is no user `postgres` to run it as")
        }
    }
}

/// Makes the cluster, under another name until it is whole.
async fn initialize(
    binaries: &Path,
    data: &Path,
    log: &Path,
    user: Option<&User>,
    secrets: &Secrets,
    chores: &Chores,
) -> Result<()> {
    const TIMEOUT: Duration = Duration::from_secs(120);
    let draft = data.with_extension("draft");
    if draft.exists() {
        fs::remove_dir_all(&draft)?;
    }
    fs::create_dir(&draft)?;
    if let Some(user) = user {
        chown(&draft, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
    }
    let password = secrets.file(&format!("postgres-{SUPERUSER}"))?;
    let mut program = Program::new(binaries.join("initdb"), log)
        .arguments(["--username", SUPERUSER, "--auth", "scram-sha-256", "--encoding", "UTF8"])
        .arguments(["--locale", "C.UTF-8", "--pwfile"])
        .arguments([&password])
        .arguments(["--pgdata"])
        .arguments([&draft]);
    program.user = user.map(|user| user.name.clone());
    chores.run(program, TIMEOUT).await.context("cannot make the PostgreSQL cluster")?;
    fs::rename(&draft, data)?;
    Ok(())
}

/// Removes the note of a server that was killed, when its process id belongs to another program now:
/// PostgreSQL would take that for itself and refuse to start.
fn forget_dead_postmaster(data: &Path) -> Result<()> {
    let note = data.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&note) else { return Ok(()) };
    let pid = text.lines().next().unwrap_or_default();
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    if !String::from_utf8_lossy(&command).contains("postgres") {
        fs::remove_file(note)?;
    }
    Ok(())
}

/// The address of `database` for `role`.
pub(crate) fn url(role: &str, password: &str, port: u16, database: &str) -> String {
    format!("postgres://{role}:{password}@127.0.0.1:{port}/{database}?sslmode=disable")
}

/// Makes what is missing of roles and databases. Each database is closed to all roles but its owner. The
/// three names of a service's database are one (role, password, database), so that the service finds it
/// by its defaults when it is started by hand; the server listens to this machine only.
pub(crate) async fn set_up(client: &Client, secrets: &Secrets) -> Result<()> {
    set_up_role(client, TESTER, &secrets.password(&format!("postgres-{TESTER}"))?).await?;
    client.batch_execute(&format!("ALTER ROLE {TESTER} CREATEDB")).await?;
    for name in Service::all().filter_map(Service::database) {
        set_up_role(client, name, name).await?;
        let found =
            client.query_opt("SELECT FROM pg_database WHERE datname = $1", &[&name]).await?;
        if found.is_none() {
            client.batch_execute(&format!("CREATE DATABASE {name} OWNER {name}")).await?;
        }
        client.batch_execute(&format!("REVOKE ALL ON DATABASE {name} FROM PUBLIC")).await?;
    }
    Ok(())
}

async fn set_up_role(client: &Client, role: &str, password: &str) -> Result<()> {
    let found = client.query_opt("SELECT FROM pg_roles WHERE rolname = $1", &[&role]).await?;
    if found.is_none() {
        client.batch_execute(&format!("CREATE ROLE {role} LOGIN PASSWORD '{password}'")).await?;
    }
    Ok(())
}

/// A connection; it ends when the client is dropped.
pub(crate) async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
