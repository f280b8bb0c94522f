//! The program as a person meets it: started, interrupted, killed, started again.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

const SERVERS: &str = "postgres,kafka,mailbox";

/// `devstack`, without the store around this test.
fn devstack(arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    // SIGINT comes ignored, as to a program that a script starts in the background.
    command.args(["-c", "trap '' INT; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_devstack")]);
    command.args(arguments);
    for name in ["USER", "PRODUCT", "ORDER", "NOTIFY"] {
        command.env_remove(format!("{name}_DATABASE_URL"));
    }
    command.env_remove("KAFKA_BROKERS").env_remove("SMTP_URL");
    command
}

/// What `devstack` says of the store in a folder.
fn output(dir: &Path, arguments: &[&str]) -> Output {
    devstack(arguments).arg("--dir").arg(dir).output().expect("it starts")
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(120), "in vain: {what}");
        sleep(Duration::from_millis(20));
    }
}

/// `devstack up` that is ready. A test that fails leaves nothing behind.
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

    /// Waits for its end. Whether that was a good one.
    fn end(&mut self) -> bool {
        until("its end", || self.ended().is_some());
        self.ended() == Some(true)
    }

    /// A line of `env`.
    fn variable(&self, name: &str) -> String {
        let env = fs::read_to_string(self.dir.join("env")).expect("it is ready");
        let line = env.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.expect("it is told").to_owned()
    }
}

impl Drop for Up<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Processes that name the folder or work in it.
fn living(dir: &Path) -> Vec<String> {
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
fn ctrl_c_ends_all_even_where_it_came_ignored() {
    let dir = folder();
    let mut up = Up::start(dir.path(), SERVERS);
    assert!(living(dir.path()).len() > 3, "the three servers run");
    up.signal(Signal::SIGINT);
    assert!(up.end(), "a good end");
    assert_eq!(living(dir.path()), [""; 0]);
    assert!(!up.is_ready(), "`env` is there only while the store is");
}

#[test]
fn ctrl_c_before_it_is_ready_ends_all() {
    let dir = folder();
    let mut up = Up::begin(dir.path(), SERVERS);
    until("a first part runs", || dir.path().join("run/mailbox").exists());
    up.signal(Signal::SIGINT);
    assert!(up.end(), "a good end");
    assert_eq!(living(dir.path()), [""; 0]);
}

#[test]
fn a_kill_leaves_no_orphan_and_the_next_start_keeps_the_data() {
    let dir = folder();
    let mut up = Up::start(dir.path(), SERVERS);
    let certificate = fs::read(dir.path().join("tls/ca.pem")).expect("it is there");
    let (database, admin) = (up.variable("USER_DATABASE_URL"), up.variable("ADMIN_EMAIL"));
    up.signal(Signal::SIGKILL);
    assert!(!up.end());

    // At once: what the kernel has not ended yet must not be in the way.
    let mut up = Up::start(dir.path(), SERVERS);
    let password = |url: &str| url.split('@').next().map(str::to_owned);
    assert_eq!(password(&database), password(&up.variable("USER_DATABASE_URL")));
    assert_eq!(admin, up.variable("ADMIN_EMAIL"));
    assert_eq!(certificate, fs::read(dir.path().join("tls/ca.pem")).expect("it is there"));

    up.signal(Signal::SIGKILL);
    assert!(!up.end());
    until("no orphan", || living(dir.path()).is_empty());
}

#[test]
fn a_second_store_in_one_folder_is_refused_and_down_ends_the_first() {
    let dir = folder();
    let mut up = Up::start(dir.path(), "mailbox");
    let second = output(dir.path(), &["up", "--free-ports", "--parts", "mailbox"]);
    let told = String::from_utf8(second.stderr).expect("text");
    assert!(!second.status.success());
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains(&format!("already (process {})", up.child.id())), "{told}");
    assert!(up.is_ready(), "the first is not disturbed");

    assert!(output(dir.path(), &["down"]).status.success());
    assert!(up.end(), "a good end");
    assert_eq!(living(dir.path()), [""; 0]);
    let nothing = output(dir.path(), &["down"]);
    assert!(nothing.status.success(), "nothing to end is fine");
}

#[test]
fn reset_ends_the_store_and_removes_it() {
    let parent = folder();
    let dir = parent.path().join("store");
    let mut up = Up::start(&dir, "postgres");
    assert!(output(&dir, &["reset"]).status.success());
    assert!(up.end(), "a good end");
    assert!(!dir.exists());
}

#[test]
fn a_port_in_use_is_one_line_that_names_it() {
    let dir = folder();
    // Whoever has it, it is in use.
    let _taken = TcpListener::bind("127.0.0.1:1080");
    let refused = output(dir.path(), &["up", "--parts", "mailbox"]);
    let told = String::from_utf8(refused.stderr).expect("text");
    assert!(!refused.status.success());
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains("is in use: end what listens there"), "{told}");
}

#[test]
fn a_missing_tool_is_one_line_that_says_what_to_do() {
    let dir = folder();
    let mut command = devstack(&["up", "--free-ports", "--parts", "mailbox", "--dir"]);
    // A folder without Node.js, but with what starts us.
    let tools = folder();
    for tool in ["sh", "setpriv"] {
        std::os::unix::fs::symlink(format!("/usr/bin/{tool}"), tools.path().join(tool))
            .expect(tool);
    }
    let refused = command.arg(dir.path()).env("PATH", tools.path()).output().expect("it starts");
    let told = String::from_utf8(refused.stderr).expect("text");
    assert!(!refused.status.success());
    assert!(told.contains("Node.js is missing: run `make deps`"), "{told}");
}

#[test]
fn exec_gives_the_command_the_store_and_ends_as_it_ends() {
    let tell = "echo $MAILBOX_URL $DEVSTACK_DIR; exit 7";
    let command = ["exec", "--parts", "mailbox", "--", "sh", "-c", tell];
    let done = devstack(&command).output().expect("it starts");
    assert_eq!(done.status.code(), Some(7));
    let told = String::from_utf8(done.stdout).expect("text");
    let (url, folder) = told.trim().split_once(' ').expect("two words");
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    assert!(!Path::new(folder).exists(), "the folder goes with the store");
}

#[test]
fn servers_from_outside_are_used_instead_of_own_ones() {
    let dir = folder();
    let outside = [
        ("ORDER_DATABASE_URL", "postgres://me:secret@127.0.0.1:9/orders"),
        ("KAFKA_BROKERS", "127.0.0.1:9"),
        ("SMTP_URL", "smtp://127.0.0.1:9"),
    ];
    let mut command = devstack(&["up", "--free-ports", "--parts", SERVERS, "--dir"]);
    let child = command.arg(dir.path()).envs(outside).spawn().expect("it starts");
    let mut up = Up { child, dir: dir.path() };
    until("ready", || up.is_ready());
    for (name, value) in outside {
        assert_eq!(up.variable(name), value);
    }
    assert_ne!(up.variable("USER_DATABASE_URL"), up.variable("ORDER_DATABASE_URL"));
    let logs = dir.path().join("logs");
    assert!(logs.join("postgres.log").exists(), "three databases are ours");
    assert!(!logs.join("kafka.log").exists() && !logs.join("mailbox.log").exists());
    up.signal(Signal::SIGTERM);
    assert!(up.end(), "a good end");
}
