//! The files of a client of the broker.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::certificates;

/// The files of a client with a certificate.
#[derive(Clone, Debug, Args)]
pub struct ClientTls {
    /// Certificates of the authority that signed the brokers' certificates, PEM.
    #[arg(long = "kafka-tls-ca-file", env = "KAFKA_TLS_CA_FILE", required = false)]
    pub ca: PathBuf,

    /// Certificate chain of the administrator, PEM.
    #[arg(long = "kafka-tls-cert-file", env = "KAFKA_TLS_CERT_FILE", required = false)]
    pub certificate: PathBuf,

    /// Its private key, PEM.
    #[arg(long = "kafka-tls-key-file", env = "KAFKA_TLS_KEY_FILE", required = false)]
    pub key: PathBuf,
}

impl ClientTls {
    /// Returns the files of the client `name` in a folder of [`certificates::create_files`].
    pub fn in_folder(folder: &Path, name: &str) -> Self {
        let [certificate, key] = certificates::files(folder, name);
        Self { ca: folder.join("ca.pem"), certificate, key }
    }
}
