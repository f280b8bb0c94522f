//! A service within the test, and channels to services as one of the mesh.

use std::{ffi::OsString, future::Future, net::SocketAddr, sync::Arc};

use clap::Parser;
use devstack::testing::Env;
use mesh::{
    BoxError,
    access::Methods,
    boot::Process,
    channel::{Channel, Target},
    config::{TlsConfig, try_parse},
    server::Listeners,
    tls::Tls,
};
use mesh_data::config::KafkaConfig;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// A broker that nothing serves: events remain in the outbox.
pub const NO_BROKER: &str = "127.0.0.1:1";

/// The page token key of every service within a test.
const PAGE_TOKEN_KEY_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/page-token.key");

/// Returns the certificate of a service of the store.
///
/// # Panics
/// If no store runs.
pub fn tls_config(service: &str) -> TlsConfig {
    let folder = Env::from_env().tls_dir();
    TlsConfig {
        tls_cert_file: folder.join(format!("{service}.pem")),
        tls_key_file: folder.join(format!("{service}-key.pem")),
        tls_ca_file: folder.join("ca.pem"),
    }
}

/// Returns how `name`, a service or [`setup::certificates::SETUP`], connects to the store's broker.
///
/// # Panics
/// If no store runs.
pub fn kafka_config(name: &str) -> KafkaConfig {
    let tls = tls_config(name);
    KafkaConfig {
        kafka_brokers: Env::from_env().kafka_brokers(),
        kafka_tls_ca_file: tls.tls_ca_file,
        kafka_tls_cert_file: tls.tls_cert_file,
        kafka_tls_key_file: tls.tls_key_file,
    }
}

/// Returns the settings of a service within a test, as its program would parse them. See
/// [`arguments`].
///
/// # Panics
/// If no store runs, or a setting is invalid.
pub fn config<C: Parser>(
    service: &str,
    defaults: &[(&'static str, &'static str)],
    database_url: &str,
    more: &[(&str, &str)],
) -> C {
    let parsed = try_parse(defaults, arguments(service, database_url, more));
    parsed.unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the arguments of a service within a test: any port, its certificate, its database and a
/// page token key. `more` adds settings or replaces these.
///
/// # Panics
/// If no store runs.
pub fn arguments(service: &str, database_url: &str, more: &[(&str, &str)]) -> Vec<OsString> {
    let tls = tls_config(service);
    let kafka = tls.clone();
    let common: [(&str, OsString); 11] = [
        ("listen-address", "127.0.0.1:0".into()),
        ("admin-address", "127.0.0.1:0".into()),
        ("tls-cert-file", tls.tls_cert_file.into()),
        ("tls-key-file", tls.tls_key_file.into()),
        ("tls-ca-file", tls.tls_ca_file.into()),
        ("kafka-tls-cert-file", kafka.tls_cert_file.into()),
        ("kafka-tls-key-file", kafka.tls_key_file.into()),
        ("kafka-tls-ca-file", kafka.tls_ca_file.into()),
        ("database-url", database_url.into()),
        ("database-connections-max", "4".into()),
        ("page-token-key-file", PAGE_TOKEN_KEY_FILE.into()),
    ];
    let is_replaced = |name: &str| more.iter().any(|(setting, _)| *setting == name);
    let common = common.into_iter().filter(|(name, _)| !is_replaced(name));
    let more = more.iter().map(|(name, value)| (*name, OsString::from(value)));
    let settings = common.chain(more);
    let settings = settings.flat_map(|(name, value)| [format!("--{name}").into(), value]);
    [service.into()].into_iter().chain(settings).collect()
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
    /// Starts `run` with listeners on free ports.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn start<F>(run: impl FnOnce(Listeners, Process) -> F) -> Self
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let main = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let admin = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = main.local_addr().expect("the listener is bound");
        let admin_address = admin.local_addr().expect("the listener is bound");
        let process = Process::embedded();
        let shutdown = process.shutdown.clone();
        let task = Some(tokio::spawn(run(Listeners { main, admin }, process)));
        Self { address, admin_address, shutdown, task }
    }

    /// Returns its URL for other services.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// Returns a channel to it as `caller`.
    pub fn channel(&self, caller: &str, file_descriptor_set: &[u8]) -> Channel {
        channel(caller, &self.url(), file_descriptor_set)
    }

    /// Requests its shutdown and waits for its end.
    ///
    /// # Panics
    /// If it ends with an error.
    pub async fn stop(mut self) {
        self.shutdown.cancel();
        let task = self.task.take().expect("a service is stopped once");
        task.await.expect("the service did not panic").expect("the service ended without an error");
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Returns a channel to the service at `url` as `caller`.
///
/// # Panics
/// If no store runs, or the URL is invalid.
pub fn channel(caller: &str, url: &str, file_descriptor_set: &[u8]) -> Channel {
    Channel::connect(Target {
        url: url.parse().expect("the URL is valid"),
        unavailable_reason: "SERVICE_UNAVAILABLE",
        tls: Some(Tls::load(&tls_config(caller)).expect("certificates")),
        methods: Arc::new(Methods::read(file_descriptor_set).expect("descriptors")),
    })
    .expect("the URL has a host")
}
