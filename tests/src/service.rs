//! A service within the test, and channels to services as one of the mesh.

use std::{ffi::OsString, future::Future, net::SocketAddr, sync::Arc};

use devstack::testing::Env;
use mesh::{
    BoxError,
    access::Methods,
    boot::Process,
    channel::{Channel, Target},
    config::TlsConfig,
    server::Listeners,
    tls::Tls,
};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// The certificate of a service of the store.
///
/// # Panics
/// Where there is no store.
pub fn tls_config(service: &str) -> TlsConfig {
    let folder = Env::from_env().tls_dir();
    TlsConfig {
        tls_cert_file: folder.join(format!("{service}.pem")),
        tls_key_file: folder.join(format!("{service}-key.pem")),
        tls_ca_file: folder.join("ca.pem"),
    }
}

/// Arguments of a service within a test: any port, its certificate, its database, and
/// what else the test says.
///
/// # Panics
/// Where there is no store.
pub fn arguments(service: &str, database_url: &str, more: &[(&str, &str)]) -> Vec<OsString> {
    let tls = tls_config(service);
    let mut arguments: Vec<OsString> = vec![service.into()];
    let mut push = |setting: &str, value: OsString| {
        arguments.push(format!("--{setting}").into());
        arguments.push(value);
    };
    push("listen-address", "127.0.0.1:0".into());
    push("admin-address", "127.0.0.1:0".into());
    push("tls-cert-file", tls.tls_cert_file.into());
    push("tls-key-file", tls.tls_key_file.into());
    push("tls-ca-file", tls.tls_ca_file.into());
    push("database-url", database_url.into());
    push("database-connections-max", "4".into());
    for (setting, value) in more {
        push(setting, value.into());
    }
    arguments
}

/// A service that runs within the test and ends with it.
pub struct InProcess {
    /// Where it serves gRPC.
    pub address: SocketAddr,
    /// Where it serves metrics and health.
    pub admin_address: SocketAddr,
    shutdown: CancellationToken,
    task: Option<JoinHandle<Result<(), BoxError>>>,
}

impl InProcess {
    /// Starts what `run` runs.
    ///
    /// # Panics
    /// Where no port is free.
    pub async fn start<F>(run: impl FnOnce(Listeners, Process) -> F) -> Self
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let main = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let admin = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = main.local_addr().expect("it is bound");
        let admin_address = admin.local_addr().expect("it is bound");
        let process = Process::embedded();
        let shutdown = process.shutdown.clone();
        let task = Some(tokio::spawn(run(Listeners { main, admin }, process)));
        Self { address, admin_address, shutdown, task }
    }

    /// Where other services find it.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// A channel to it as `caller`.
    pub fn channel(&self, caller: &str, file_descriptor_set: &[u8]) -> Channel {
        channel(caller, &self.url(), file_descriptor_set)
    }

    /// Asks it to end, and waits until it has.
    ///
    /// # Panics
    /// Where it ended with an error.
    pub async fn stop(mut self) {
        self.shutdown.cancel();
        let task = self.task.take().expect("it is stopped once");
        task.await.expect("it did not panic").expect("it ended well");
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// A channel to the service at `url` as `caller`.
///
/// # Panics
/// Where there is no store, or the URL is none.
pub fn channel(caller: &str, url: &str, file_descriptor_set: &[u8]) -> Channel {
    Channel::connect(Target {
        url: url.parse().expect("a URL"),
        unavailable_reason: "SERVICE_UNAVAILABLE",
        tls: Some(Tls::load(&tls_config(caller)).expect("certificates")),
        methods: Arc::new(Methods::read(file_descriptor_set).expect("descriptors")),
    })
    .expect("a target")
}
