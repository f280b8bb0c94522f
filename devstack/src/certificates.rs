//! Certificates for mTLS between the services: one authority, one certificate a service. On one machine
//! they are made together and renewed together, so the authority's key is needed only then and never stored.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use time::OffsetDateTime;
use topology::Service;

use crate::secrets::{create_private_folder, write_private};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const VALIDITY: Duration = DAY.saturating_mul(365);
/// They are renewed when less than this is left.
const REST_MIN: Duration = DAY.saturating_mul(30);

/// Sees to it that `folder` holds `ca.pem`, and `NAME.pem` and `NAME-key.pem` for each service.
pub(crate) fn set_up(folder: &Path) -> Result<()> {
    let complete = Service::all().all(|service| {
        let name = service.name();
        folder.join(format!("{name}.pem")).exists()
            && folder.join(format!("{name}-key.pem")).exists()
    });
    if complete && lasts(&folder.join("ca.pem")) {
        return Ok(());
    }
    create_private_folder(folder)?;
    let authority = Authority::new()?;
    write_private(&folder.join("ca.pem"), &authority.certificate)?;
    for name in Service::all().map(Service::name) {
        let Issued { certificate, key } = authority.issue(name)?;
        write_private(&folder.join(format!("{name}.pem")), &certificate)?;
        write_private(&folder.join(format!("{name}-key.pem")), &key)?;
    }
    Ok(())
}

/// What signs the certificates of all services.
pub(crate) struct Authority {
    /// Its own, PEM.
    pub certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its private key, PEM.
pub(crate) struct Issued {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    /// A new one.
    pub fn new() -> Result<Self> {
        let key = KeyPair::generate()?;
        let certificate = Self::params()?.self_signed(&key)?.pem();
        Ok(Self { certificate, issuer: Issuer::new(Self::params()?, key) })
    }

    /// The one that [`Self::new`] made, of what was kept of it.
    pub fn from_pem(certificate: String, key: &str) -> Result<Self> {
        let issuer = Issuer::new(Self::params()?, KeyPair::from_pem(key)?);
        Ok(Self { certificate, issuer })
    }

    /// Its private key, PEM.
    pub fn key(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    fn params() -> Result<CertificateParams> {
        let mut params = params("Shopmesh devstack CA", Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(params)
    }

    /// One certificate for both ends of a connection; its name is the service's.
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

/// Whether the certificate in `file` is good for a while.
fn lasts(file: &Path) -> bool {
    let end = || -> Result<i64> {
        let (_, pem) = x509_parser::pem::parse_x509_pem(&fs::read(file)?)?;
        Ok(pem.parse_x509()?.validity().not_after.timestamp())
    };
    let until = SystemTime::now() + REST_MIN;
    let until =
        until.duration_since(SystemTime::UNIX_EPOCH).context("the clock").map(|d| d.as_secs());
    matches!((end(), until), (Ok(end), Ok(until)) if u64::try_from(end).is_ok_and(|end| end > until))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::RootCertStore;
    use rustls::client::{WebPkiServerVerifier, danger::ServerCertVerifier};
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

    use super::*;

    #[test]
    fn what_was_kept_of_an_authority_signs_for_those_who_trust_it() {
        let der = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM");
        let first = Authority::new().expect("a new one");
        let kept = Authority::from_pem(first.certificate.clone(), &first.key()).expect("the same");
        let issued = kept.issue("order-svc").expect("it signs");
        let mut roots = RootCertStore::empty();
        roots.add(der(&first.certificate)).expect("a certificate");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        let verifier = verifier.build().expect("there is a root");
        let verify = |name: &str| {
            let name = ServerName::try_from(name.to_owned()).expect("a name");
            let end = der(&issued.certificate);
            verifier.verify_server_cert(&end, &[], &name, &[], UnixTime::now()).map(drop)
        };
        verify("order-svc").expect("it is the service");
        verify("user-svc").expect_err("it is another");
    }
}
