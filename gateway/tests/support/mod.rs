//! What the gateway's tests stand on: a gateway on port 0, and what is around it.

#![allow(dead_code, reason = "each test program uses its part")]

pub mod client;
pub mod issuer;
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

/// Nothing in a test takes this long.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Asks again and again, as a client does, until it is so.
pub async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let asked = async { while !is_so().await {} };
    timeout(PATIENCE, asked).await.expect("it comes true");
}

/// The descriptors of the test services, as a file.
pub static DESCRIPTORS: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut compiler =
        protox::Compiler::new([here.join("tests/support"), here.join("../proto")]).unwrap();
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
    /// Before `upstream`, with further settings as they stand on the command line.
    pub async fn before(upstream: SocketAddr, settings: &[(&str, &str)]) -> Self {
        let upstreams = format!("shop.echo.v1=http://{upstream}");
        let descriptors = DESCRIPTORS.1.to_str().unwrap().to_owned();
        let mut all = vec![("upstreams", &*upstreams), ("descriptor-set", &*descriptors)];
        all.retain(|(name, _)| !settings.iter().any(|(other, _)| name == other));
        all.extend(settings);
        Self::start(&all).await
    }

    /// With exactly these settings.
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

    /// As SIGTERM does.
    pub fn terminate(&self) {
        self.shutdown.cancel();
    }

    /// Waits for the end.
    pub async fn ended(self) {
        timeout(PATIENCE, self.running).await.expect("the gateway ends").unwrap();
    }
}
