//! Certificates for mTLS between the services and with the broker: one authority, and one
//! certificate for each of them.
//! The files of one machine are created and renewed together, so their authority's key is never
//! stored.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use time::OffsetDateTime;

use topology::Service;

use crate::files::{create_private_folder, write_private};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const VALIDITY: Duration = DAY.saturating_mul(365);
/// Certificates with less than this left are renewed.
const REMAINING_MIN: Duration = DAY.saturating_mul(30);

/// The broker.
pub const KAFKA: &str = "kafka";
/// The broker's administrator, who creates topics and access rules.
pub const SETUP: &str = "setup";

/// Returns who has a certificate.
pub fn holders() -> impl Iterator<Item = &'static str> {
    Service::all().map(Service::name).chain([KAFKA, SETUP])
}

/// Returns the files of a holder in the folder of [`create_files`]: certificate and private key.
pub fn files(folder: &Path, name: &str) -> [PathBuf; 2] {
    [folder.join(format!("{name}.pem")), folder.join(format!("{name}-key.pem"))]
}

/// Returns the file with the private key and the certificate of the broker, as Kafka reads them.
pub fn keystore_file(folder: &Path) -> PathBuf {
    folder.join("kafka-keystore.pem")
}

/// Creates `ca.pem`, and `NAME.pem` and `NAME-key.pem` of each holder, where they are missing or
/// expire soon.
pub fn create_files(folder: &Path) -> Result<()> {
    let complete = holders().flat_map(|name| files(folder, name)).all(|file| file.exists());
    if complete && keystore_file(folder).exists() && expires_late(&folder.join("ca.pem")) {
        return Ok(());
    }
    create_private_folder(folder)?;
    let authority = Authority::new()?;
    write_private(&folder.join("ca.pem"), &authority.certificate)?;
    for name in holders() {
        let issued = authority.issue(name)?;
        let [certificate, key] = files(folder, name);
        write_private(&certificate, &issued.certificate)?;
        write_private(&key, &issued.key)?;
        if name == KAFKA {
            write_private(&keystore_file(folder), &issued.keystore())?;
        }
    }
    Ok(())
}

/// The authority that signs the certificates of all holders.
pub struct Authority {
    /// The authority's own certificate, PEM.
    pub certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its private key, PEM.
pub struct Issued {
    /// The certificate.
    pub certificate: String,
    /// The private key.
    pub key: String,
}

impl Issued {
    /// Returns both, in the order in which Kafka reads them from one file.
    pub fn keystore(&self) -> String {
        format!("{}{}", self.key, self.certificate)
    }
}

impl Authority {
    /// Creates an authority with a new key.
    pub fn new() -> Result<Self> {
        let key = KeyPair::generate()?;
        let certificate = Self::params()?.self_signed(&key)?.pem();
        Ok(Self { certificate, issuer: Issuer::new(Self::params()?, key) })
    }

    /// Restores an authority from its stored certificate and key.
    pub fn from_pem(certificate: String, key: &str) -> Result<Self> {
        let issuer = Issuer::new(Self::params()?, KeyPair::from_pem(key)?);
        Ok(Self { certificate, issuer })
    }

    /// Returns the private key, PEM.
    pub fn key(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    fn params() -> Result<CertificateParams> {
        let mut params = params("Shopmesh devstack CA", Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(params)
    }

    /// Issues a certificate for the holder `name`, valid for both ends of a connection.
    pub fn issue(&self, name: &str) -> Result<Issued> {
        let key = KeyPair::generate()?;
        let names = [name, "localhost", "127.0.0.1"].map(str::to_owned);
        let mut params = params(name, names.to_vec())?;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Issued { certificate, key: key.serialize_pem() })
    }
}

fn params(common_name: &str, alternative_names: Vec<String>) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(alternative_names)?;
    params.distinguished_name.push(DnType::CommonName, common_name);
    let now = OffsetDateTime::now_utc();
    params.not_before = now - DAY;
    params.not_after = now + VALIDITY;
    Ok(params)
}

/// Reports whether the certificate in `file` is valid for longer than [`REMAINING_MIN`].
fn expires_late(file: &Path) -> bool {
    let not_after = || -> Result<SystemTime> {
        let (_, pem) = x509_parser::pem::parse_x509_pem(&fs::read(file)?)?;
        Ok(pem.parse_x509()?.validity().not_after.to_datetime().into())
    };
    not_after().is_ok_and(|not_after| not_after > SystemTime::now() + REMAINING_MIN)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::{
        RootCertStore,
        client::{WebPkiServerVerifier, danger::ServerCertVerifier},
        pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    };

    use super::*;

    #[test]
    fn a_restored_authority_issues_certificates_that_its_clients_trust() {
        let der = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM");
        let first = Authority::new().expect("a new key");
        let restored = Authority::from_pem(first.certificate.clone(), &first.key()).expect("PEM");
        let issued = restored.issue("order-svc").expect("a signature");
        let mut roots = RootCertStore::empty();
        roots.add(der(&first.certificate)).expect("a certificate");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        let verifier = verifier.build().expect("one root certificate");
        let verify = |name: &str| {
            let name = ServerName::try_from(name.to_owned()).expect("a host name");
            let end = der(&issued.certificate);
            verifier.verify_server_cert(&end, &[], &name, &[], UnixTime::now()).map(drop)
        };
        verify("order-svc").expect("the name matches");
        verify("user-svc").expect_err("another name");
    }
}
