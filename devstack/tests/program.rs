//! The program `devstack`: started, interrupted, killed, started again.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::symlink,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;

const SERVERS: &str = "postgres,kafka,mailbox";

/// Returns the command `devstack` without the variables of the store that this test runs in.
fn devstack(arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    // The parent ignores SIGINT, like a script that starts a program in the background.
    command.args(["-c", "trap '' INT; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_devstack")]);
    command.args(arguments);
    for name in ["USER", "PRODUCT", "ORDER", "NOTIFY"] {
        command.env_remove(format!("{name}_DATABASE_URL"));
    }
    command.env_remove("KAFKA_BROKERS").env_remove("SMTP_URL");
    command
}

/// Runs `devstack` with the folder `dir`.
fn output(dir: &Path, arguments: &[&str]) -> Output {
    devstack(arguments).arg("--dir").arg(dir).output().expect("it starts")
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

#[expect(clippy::disallowed_methods, reason = "the test has no runtime")]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(120), "timeout: {what}");
        sleep(Duration::from_millis(20));
    }
}

/// A running `devstack up`, which is killed when its test fails.
struct Up<'a> {
    child: Child,
    dir: &'a Path,
}

impl<'a> Up<'a> {
    fn start(dir: &'a Path, parts: &str) -> Self {
        let mut up = Self::begin(dir, parts);
        until("ready", || {
            assert!(up.ended().is_none(), "it ended before it was ready");
            up.is_ready()
        });
        up
    }

    fn begin(dir: &'a Path, parts: &str) -> Self {
        let mut command = devstack(&["up", "--free-ports", "--parts", parts, "--dir"]);
        let child = command.arg(dir).stdout(Stdio::null()).spawn().expect("it starts");
        Self { child, dir }
    }

    fn is_ready(&self) -> bool {
        self.dir.join("env").exists()
    }

    fn ended(&mut self) -> Option<bool> {
        self.child.try_wait().expect("it is our child").map(|status| status.success())
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).expect("it runs");
    }

    /// Waits until it ends. Returns whether it succeeded.
    fn end(&mut self) -> bool {
        until("its end", || self.ended().is_some());
        self.ended() == Some(true)
    }

    /// Returns a variable of the file `env`.
    fn variable(&self, name: &str) -> String {
        let env = fs::read_to_string(self.dir.join("env")).expect("it is ready");
        let line = env.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.expect("the variable is in the file").to_owned()
    }
}

impl Drop for Up<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the command lines of the processes that name the folder or have it as working directory.
fn processes_of(dir: &Path) -> Vec<String> {
    let name = dir.to_str().expect("it is plain text");
    let processes = fs::read_dir("/proc").expect("Linux").flatten();
    processes
        .filter_map(|entry| {
            let read = |file| fs::read(entry.path().join(file)).ok();
            let command = String::from_utf8_lossy(&read("cmdline")?).replace('\0', " ");
            let inside =
                fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(dir));
            (inside || command.contains(name)).then_some(command)
        })
        .collect()
}

#[test]
fn ctrl_c_stops_everything_even_if_the_parent_ignores_it() {
    let dir = folder();
    let mut up = Up::start(dir.path(), SERVERS);
    assert!(processes_of(dir.path()).len() > 3, "the three servers run");
    up.signal(Signal::SIGINT);
    assert!(up.end(), "it succeeds");
    assert_eq!(processes_of(dir.path()), [""; 0]);
    assert!(!up.is_ready(), "`env` exists only while the store is ready");
}

#[test]
fn ctrl_c_before_the_store_is_ready_stops_everything() {
    let dir = folder();
    let mut up = Up::begin(dir.path(), SERVERS);
    until("a first part runs", || dir.path().join("run/mailbox").exists());
    up.signal(Signal::SIGINT);
    assert!(up.end(), "it succeeds");
    assert_eq!(processes_of(dir.path()), [""; 0]);
}

#[test]
fn a_killed_store_leaves_no_orphan_and_the_next_start_keeps_the_data() {
    let dir = folder();
    let mut up = Up::start(dir.path(), SERVERS);
    let certificate = fs::read(dir.path().join("tls/ca.pem")).expect("it is there");
    let (database, admin) = (up.variable("USER_DATABASE_URL"), up.variable("ADMIN_EMAIL"));
    up.signal(Signal::SIGKILL);
    assert!(!up.end());

    // At once: processes that the kernel has not ended yet must not prevent the start.
    let mut up = Up::start(dir.path(), SERVERS);
    let password = |url: &str| url.split('@').next().map(str::to_owned);
    assert_eq!(password(&database), password(&up.variable("USER_DATABASE_URL")));
    assert_eq!(admin, up.variable("ADMIN_EMAIL"));
    assert_eq!(certificate, fs::read(dir.path().join("tls/ca.pem")).expect("it is there"));

    up.signal(Signal::SIGKILL);
    assert!(!up.end());
    until("no orphan", || processes_of(dir.path()).is_empty());
}

#[test]
fn a_second_store_in_one_folder_is_rejected_and_down_stops_the_first() {
    let dir = folder();
    let mut up = Up::start(dir.path(), "mailbox");
    let second = output(dir.path(), &["up", "--free-ports", "--parts", "mailbox"]);
    let stderr = String::from_utf8(second.stderr).expect("text");
    assert!(!second.status.success());
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains(&format!("already (process {})", up.child.id())), "{stderr}");
    assert!(up.is_ready(), "the first store still runs");

    assert!(output(dir.path(), &["down"]).status.success());
    assert!(up.end(), "it succeeds");
    assert_eq!(processes_of(dir.path()), [""; 0]);
    let nothing = output(dir.path(), &["down"]);
    assert!(nothing.status.success(), "`down` succeeds when no store runs");
}

#[test]
fn reset_stops_the_store_and_removes_its_folder() {
    let parent = folder();
    let dir = parent.path().join("store");
    let mut up = Up::start(&dir, "postgres");
    assert!(output(&dir, &["reset"]).status.success());
    assert!(up.end(), "it succeeds");
    assert!(!dir.exists());
}

#[test]
fn a_port_in_use_is_reported_in_one_line() {
    let dir = folder();
    // If this fails, another program uses the port.
    let _taken = TcpListener::bind("127.0.0.1:1080");
    let rejected = output(dir.path(), &["up", "--parts", "mailbox"]);
    let stderr = String::from_utf8(rejected.stderr).expect("text");
    assert!(!rejected.status.success());
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains("is in use: end what listens there"), "{stderr}");
}

#[test]
fn a_missing_tool_is_reported_with_the_command_that_installs_it() {
    let dir = folder();
    let mut command = devstack(&["up", "--free-ports", "--parts", "mailbox", "--dir"]);
    // A folder without Node.js, but with the programs that start devstack.
    let tools = folder();
    for tool in ["sh", "setpriv"] {
        symlink(format!("/usr/bin/{tool}"), tools.path().join(tool)).expect(tool);
    }
    let rejected = command.arg(dir.path()).env("PATH", tools.path()).output().expect("it starts");
    let stderr = String::from_utf8(rejected.stderr).expect("text");
    assert!(!rejected.status.success());
    assert!(stderr.contains("Node.js is missing: run `make deps`"), "{stderr}");
}

#[test]
fn exec_passes_the_store_to_the_command_and_returns_its_exit_code() {
    let script = "echo $MAILBOX_URL $DEVSTACK_DIR; exit 7";
    let command = ["exec", "--parts", "mailbox", "--", "sh", "-c", script];
    let done = devstack(&command).output().expect("it starts");
    assert_eq!(done.status.code(), Some(7));
    let stdout = String::from_utf8(done.stdout).expect("text");
    let (url, folder) = stdout.trim().split_once(' ').expect("two words");
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    assert!(!Path::new(folder).exists(), "the folder is removed with the store");
}

#[test]
fn external_servers_replace_own_ones() {
    let dir = folder();
    let external = [
        ("ORDER_DATABASE_URL", "postgres://me:secret@127.0.0.1:9/orders"),
        ("KAFKA_BROKERS", "127.0.0.1:9"),
        ("SMTP_URL", "smtp://127.0.0.1:9"),
    ];
    let mut command = devstack(&["up", "--free-ports", "--parts", SERVERS, "--dir"]);
    let child = command.arg(dir.path()).envs(external).spawn().expect("it starts");
    let mut up = Up { child, dir: dir.path() };
    until("ready", || up.is_ready());
    for (name, value) in external {
        assert_eq!(up.variable(name), value);
    }
    assert_ne!(up.variable("USER_DATABASE_URL"), up.variable("ORDER_DATABASE_URL"));
    let logs = dir.path().join("logs");
    assert!(logs.join("postgres.log").exists(), "three databases are on the own server");
    assert!(!logs.join("kafka.log").exists() && !logs.join("mailbox.log").exists());
    up.signal(Signal::SIGTERM);
    assert!(up.end(), "it succeeds");
}
