//! The database server: a PostgreSQL cluster in the state folder, with one database and two
//! roles for each service.

use std::{
    env, fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::Signal,
    unistd::{Uid, User},
};
use setup::keys::Secrets;
use tokio_postgres::{Client, NoTls};
use topology::Service;

use crate::{one_shot::OneShots, process::Program};

/// The superuser.
pub(crate) const SUPERUSER: &str = "postgres";
/// The role of tests, which creates and owns databases.
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

/// Returns the server that listens on `port`. Creates the cluster where it is missing.
pub(crate) async fn program(
    dir: &Path,
    port: u16,
    secrets: &Secrets,
    one_shots: &OneShots,
) -> Result<Program> {
    let data = dir.join("postgres");
    let log = dir.join("logs/postgres.log");
    let binaries = binaries(&data)?;
    let user = unprivileged_user()?;
    if !data.join("PG_VERSION").exists() {
        initialize(&binaries, &data, &log, user.as_ref(), secrets, one_shots).await?;
    }
    remove_stale_pid_file(&data)?;
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
    // Its workers live a little longer, and until they end the next server cannot start.
    program.exclusive_dir = Some(data);
    Ok(program)
}

/// Returns the folder of `postgres` and `initdb`, in the version that wrote the data, else the
/// newest.
fn binaries(data: &Path) -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = installed().into_iter().map(|(_, folder)| folder).collect();
    folders.extend(env::split_paths(&path));
    folders.retain(|folder| folder.join("initdb").exists());
    let Some(newest) = folders.first() else {
        bail!("PostgreSQL is missing: run `make deps`, or install the package postgresql");
    };
    let Ok(version) = fs::read_to_string(data.join("PG_VERSION")) else {
        return Ok(newest.clone());
    };
    let version = version.trim();
    let same = installed().into_iter().find(|(installed, _)| installed.to_string() == version);
    // Only Debian's folders name the version; elsewhere the server reports a wrong one.
    Ok(same.map_or_else(|| newest.clone(), |(_, folder)| folder))
}

/// Returns the versions that Debian's packages have installed, newest first.
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

/// Returns the user to run PostgreSQL as where devstack is root, which PostgreSQL rejects.
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

/// Creates the cluster, under another name until it is complete.
async fn initialize(
    binaries: &Path,
    data: &Path,
    log: &Path,
    user: Option<&User>,
    secrets: &Secrets,
    one_shots: &OneShots,
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
    let password = secrets.password_file(&password_name(SUPERUSER))?;
    let mut program = Program::new(binaries.join("initdb"), log)
        .arguments(["--username", SUPERUSER, "--auth", "scram-sha-256", "--encoding", "UTF8"])
        .arguments(["--locale", "C.UTF-8", "--pwfile"])
        .arguments([&password])
        .arguments(["--pgdata"])
        .arguments([&draft]);
    program.user = user.map(|user| user.name.clone());
    one_shots.run(program, TIMEOUT).await.context("cannot create the PostgreSQL cluster")?;
    fs::rename(&draft, data)?;
    Ok(())
}

/// Removes the pid file of a killed server whose process id now belongs to another program:
/// PostgreSQL would take that program for a running server and not start.
fn remove_stale_pid_file(data: &Path) -> Result<()> {
    let pid_file = data.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&pid_file) else { return Ok(()) };
    let pid = text.lines().next().unwrap_or_default();
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    if !String::from_utf8_lossy(&command).contains("postgres") {
        fs::remove_file(pid_file)?;
    }
    Ok(())
}

/// Returns the URL of `database` for `role`.
pub(crate) fn url(role: &str, password: &str, port: u16, database: &str) -> String {
    format!("postgres://{role}:{password}@127.0.0.1:{port}/{database}?sslmode=disable")
}

/// Returns the role that owns the schema of a database.
pub(crate) fn owner(database: &str) -> String {
    format!("{database}_owner")
}

/// Returns the name of the password of a role.
pub(crate) fn password_name(role: &str) -> String {
    format!("postgres-{role}")
}

/// Creates the roles and databases that are missing. `url` is that of the superuser.
///
/// The owner of a database migrates it and allows the service's role to use it. Role, password and
/// database of a service have one name, so that a service that is started by hand connects with its
/// default settings; the server accepts connections from this machine only.
pub(crate) async fn create_databases(url: &str, secrets: &Secrets) -> Result<()> {
    let client = connect(url).await?;
    create_role(&client, TESTER, &secrets.password(&password_name(TESTER))?).await?;
    client.batch_execute(&format!("ALTER ROLE {TESTER} CREATEDB")).await?;
    for name in Service::all().filter_map(Service::database) {
        let owner = owner(name);
        create_role(&client, name, name).await?;
        create_role(&client, &owner, &secrets.password(&password_name(&owner))?).await?;
        let found =
            client.query_opt("SELECT FROM pg_database WHERE datname = $1", &[&name]).await?;
        if found.is_none() {
            client.batch_execute(&format!("CREATE DATABASE {name} OWNER {owner}")).await?;
        }
        client.batch_execute(&format!("REVOKE ALL ON DATABASE {name} FROM PUBLIC")).await?;
        // In a store of an earlier version the service's role owns the schema.
        let database = connect(&url.replace("/postgres?", &format!("/{name}?"))).await?;
        database.batch_execute(&format!("REASSIGN OWNED BY {name} TO {owner}")).await?;
    }
    Ok(())
}

async fn create_role(client: &Client, role: &str, password: &str) -> Result<()> {
    let found = client.query_opt("SELECT FROM pg_roles WHERE rolname = $1", &[&role]).await?;
    if found.is_none() {
        client.batch_execute(&format!("CREATE ROLE {role} LOGIN PASSWORD '{password}'")).await?;
    }
    Ok(())
}

/// Opens a connection, which ends when the client is dropped.
pub(crate) async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
