//! Certificates for mTLS between the services: one authority, one certificate a service. They are made
//! together and renewed together, so the authority's key is needed only then and never stored.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use time::OffsetDateTime;

use crate::part::Service;
use crate::secrets::{create_private_folder, write_private};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const VALIDITY: Duration = DAY.saturating_mul(365);
/// They are renewed when less than this is left.
const REST_MIN: Duration = DAY.saturating_mul(30);

/// Sees to it that `folder` holds `ca.pem`, and `NAME.pem` and `NAME-key.pem` for each service.
pub(crate) fn set_up(folder: &Path) -> Result<()> {
    let complete = Service::ALL.iter().all(|service| {
        let name = service.name();
        folder.join(format!("{name}.pem")).exists()
            && folder.join(format!("{name}-key.pem")).exists()
    });
    if complete && lasts(&folder.join("ca.pem")) {
        return Ok(());
    }
    create_private_folder(folder)?;
    let key = KeyPair::generate()?;
    let mut params = params("Shopmesh devstack CA", Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    write_private(&folder.join("ca.pem"), &params.self_signed(&key)?.pem())?;
    let authority = Issuer::new(params, key);
    for service in Service::ALL {
        issue(folder, service.name(), &authority)?;
    }
    Ok(())
}

/// One certificate for both ends of a connection; its name is the service's.
fn issue(folder: &Path, name: &str, authority: &Issuer<'_, KeyPair>) -> Result<()> {
    let key = KeyPair::generate()?;
    let names = [name, "localhost", "127.0.0.1"].map(str::to_owned);
    let mut params = params(name, names.to_vec())?;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = params.signed_by(&key, authority)?;
    write_private(&folder.join(format!("{name}.pem")), &certificate.pem())?;
    write_private(&folder.join(format!("{name}-key.pem")), &key.serialize_pem())
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
