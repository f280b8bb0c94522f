//! The harness of the gateway's tests: a gateway on a free port, a service behind it, and clients.

#![allow(dead_code, reason = "each test program uses a part of it")]

pub mod client;
pub mod program;
pub mod upstream;

use std::{
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::LazyLock,
    time::Duration,
};

use gateway::config::{Config, DEFAULTS};
use mesh::{boot::Process, server::Listeners};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

/// How long a test waits for a condition.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Repeats the check, as a client does, until it holds.
pub async fn until(mut check: impl AsyncFnMut() -> bool) {
    let checks = async { while !check().await {} };
    timeout(PATIENCE, checks).await.expect("the condition becomes true");
}

/// The descriptors of the test services, as a file.
pub static DESCRIPTORS: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut compiler =
        protox::Compiler::new([crate_dir.join("tests/support"), crate_dir.join("../proto")])
            .unwrap();
    compiler.include_imports(true).open_files(["echo.proto", "elsewhere.proto"]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("descriptors.bin");
    std::fs::write(&path, compiler.encode_file_descriptor_set()).unwrap();
    (dir, path)
});

/// A running gateway.
pub struct Gateway {
    pub address: SocketAddr,
    pub admin: SocketAddr,
    shutdown: CancellationToken,
    running: JoinHandle<()>,
}

impl Gateway {
    /// Starts a gateway before `upstream`, with further command-line settings.
    pub async fn before(upstream: SocketAddr, settings: &[(&str, &str)]) -> Self {
        let upstreams = format!("shop.echo.v1=http://{upstream}");
        let descriptors = DESCRIPTORS.1.to_str().unwrap().to_owned();
        let mut all = vec![("upstreams", &*upstreams), ("descriptor-set", &*descriptors)];
        all.retain(|(name, _)| !settings.iter().any(|(other, _)| name == other));
        all.extend(settings);
        Self::start(&all).await
    }

    /// Starts a gateway with exactly these settings.
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        let arguments = settings.iter().map(|(name, value)| format!("--{name}={value}"));
        let arguments = ["gateway".to_owned()].into_iter().chain(arguments).map(OsString::from);
        let config: Config = mesh::config::try_parse(DEFAULTS, arguments).unwrap();
        let main = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let admin_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, admin) = (main.local_addr().unwrap(), admin_listener.local_addr().unwrap());
        let listeners = Listeners { main, admin: admin_listener };
        let process = Process::embedded();
        let shutdown = process.shutdown.clone();
        let running = tokio::spawn(async move {
            gateway::run(config, listeners, process).await.unwrap();
        });
        Self { address, admin, shutdown, running }
    }

    /// Requests shutdown, as SIGTERM does.
    pub fn terminate(&self) {
        self.shutdown.cancel();
    }

    /// Waits for the end of the gateway.
    pub async fn ended(self) {
        timeout(PATIENCE, self.running).await.expect("the gateway ends").unwrap();
    }
}
