//! mTLS between the programs of the mesh: the name in its certificate identifies a program.
//! Certificates and keys are reloaded from their files without a restart.

use std::{fs, io, path::Path, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use x509_parser::{extensions::GeneralName, prelude::FromDer};

use crate::{BoxError, config::TlsConfig};

/// How often the files are checked for changes.
const RELOAD_INTERVAL: Duration = Duration::from_secs(10);

/// The current TLS settings of client and server. Cheap to clone.
#[derive(Clone)]
pub struct Tls(Arc<Inner>);

struct Inner {
    files: TlsConfig,
    current: ArcSwap<Current>,
}

struct Current {
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
    pem: Vec<Vec<u8>>,
}

impl Tls {
    /// Reads the files, and reloads them when they change, for the lifetime of the process.
    ///
    /// # Errors
    /// Files that are missing, or a certificate and key that do not match.
    pub fn load(files: &TlsConfig) -> Result<Self, BoxError> {
        let current = Current::read(files)?;
        let tls =
            Self(Arc::new(Inner { files: files.clone(), current: ArcSwap::from_pointee(current) }));
        tokio::spawn(watch(Arc::downgrade(&tls.0)));
        Ok(tls)
    }

    /// Reloads the files now. Returns whether they changed.
    ///
    /// # Errors
    /// Invalid new files; the old settings stay in use.
    pub fn reload(&self) -> Result<bool, BoxError> {
        self.0.reload()
    }

    /// Returns the settings for the next accepted connection.
    pub fn server(&self) -> Arc<ServerConfig> {
        self.0.current.load().server.clone()
    }

    /// Returns the settings for the next outgoing connection.
    pub fn client(&self) -> Arc<ClientConfig> {
        self.0.current.load().client.clone()
    }
}

async fn watch(inner: std::sync::Weak<Inner>) {
    loop {
        tokio::time::sleep(RELOAD_INTERVAL).await;
        let Some(inner) = inner.upgrade() else {
            return;
        };
        match inner.reload() {
            Ok(true) => tracing::info!("reloaded certificates"),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the new certificates are invalid"),
        }
    }
}

impl Inner {
    /// Reloads the files if they changed. Invalid files change nothing.
    fn reload(&self) -> Result<bool, BoxError> {
        let changed = read_pem(&self.files).is_ok_and(|pem| pem != self.current.load().pem);
        if changed {
            self.current.store(Arc::new(Current::read(&self.files)?));
        }
        Ok(changed)
    }
}

fn read_pem(files: &TlsConfig) -> Result<Vec<Vec<u8>>, BoxError> {
    [&files.tls_cert_file, &files.tls_key_file, &files.tls_ca_file]
        .into_iter()
        .map(|path| read(path))
        .collect()
}

fn read(path: &Path) -> Result<Vec<u8>, BoxError> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()).into())
}

impl Current {
    fn read(files: &TlsConfig) -> Result<Self, BoxError> {
        let pem = read_pem(files)?;
        let chain = CertificateDer::pem_slice_iter(&pem[0]).collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_slice(&pem[1])?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem[2]) {
            roots.add(certificate?)?;
        }
        let roots = Arc::new(roots);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());

        let verifier =
            WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone()).build()?;
        let mut server = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain.clone(), key.clone_key())?;
        server.alpn_protocols = vec![b"h2".to_vec()];

        let mut client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)?;
        client.alpn_protocols = vec![b"h2".to_vec()];

        report_expiry(&pem[0]);
        Ok(Self { server: Arc::new(server), client: Arc::new(client), pem })
    }
}

/// Reports when the certificate of this program expires, as a metric.
fn report_expiry(chain: &[u8]) {
    let end = CertificateDer::from_pem_slice(chain).ok().and_then(|certificate| {
        let (_, parsed) = x509_parser::certificate::X509Certificate::from_der(&certificate).ok()?;
        Some(parsed.validity().not_after.timestamp())
    });
    if let Some(end) = end {
        metrics::gauge!("tls_certificate_expiry_timestamp_seconds").set(end as f64);
    }
}

/// Returns the name that identifies the owner of a certificate in the mesh: its first DNS name.
pub fn certificate_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, parsed) = x509_parser::certificate::X509Certificate::from_der(certificate).ok()?;
    let names = parsed.subject_alternative_name().ok()??;
    names.value.general_names.iter().find_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        _ => None,
    })
}

/// Wraps a TLS failure in an I/O error.
pub(crate) fn io_error(error: impl Into<BoxError>) -> io::Error {
    io::Error::other(error)
}
