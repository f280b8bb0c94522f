//! The keys that sign access tokens: read from a folder, published, changed without a
//! restart. Knows nothing of what a token is for.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use jsonwebtoken::{
    Algorithm, EncodingKey, Header, encode,
    jwk::{
        AlgorithmParameters, CommonParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm,
        OctetKeyPairParameters, OctetKeyPairType, PublicKeyUse,
    },
};
use mesh::{BoxError, Error, identity::Claims, token::Verifier};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use tokio_util::sync::CancellationToken;

/// How often the folder is looked at.
const RELOAD_INTERVAL: Duration = Duration::from_secs(2);
/// More keys than this are a mistake.
const KEYS_MAX: usize = 32;

/// The keys of now. Cheap to clone.
#[derive(Clone)]
pub struct SigningKeys(Arc<Inner>);

struct Inner {
    dir: PathBuf,
    notice: Duration,
    current: ArcSwap<KeySet>,
}

/// Text of each key file by `kid`.
type Files = BTreeMap<String, String>;

/// **Invariant:** never empty.
struct KeySet {
    files: Files,
    keys: BTreeMap<String, Arc<Key>>,
    jwks: JwkSet,
    jwks_json: Bytes,
}

struct Key {
    header: Header,
    private: EncodingKey,
    public: Jwk,
    /// Before this it is only published.
    signs_from: Instant,
}

impl SigningKeys {
    /// Reads all keys of a folder. One that appears later signs only after `notice`:
    /// until then another replica, asked for the public keys, may not know it.
    ///
    /// # Errors
    /// A folder without keys, or a file that is none.
    pub fn load(dir: &Path, notice: Duration) -> Result<Self, BoxError> {
        let set = KeySet::build(read(dir)?, &BTreeMap::new(), Instant::now())?;
        let current = ArcSwap::from_pointee(set);
        Ok(Self(Arc::new(Inner { dir: dir.to_owned(), notice, current })))
    }

    /// An access token that says `claims`.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub fn sign(&self, claims: &Claims) -> Result<String, Error> {
        let set = self.0.current.load();
        let key = set.signer(Instant::now());
        encode(&key.header, claims, &key.private).map_err(Error::internal)
    }

    /// All public keys.
    pub fn jwks(&self) -> JwkSet {
        self.0.current.load().jwks.clone()
    }

    /// All public keys, as JSON.
    pub fn jwks_json(&self) -> Bytes {
        self.0.current.load().jwks_json.clone()
    }

    /// Looks at the folder until `shutdown`; `verifier` is told of what changes.
    pub async fn watch(self, verifier: Verifier, shutdown: CancellationToken) {
        let mut refused = None;
        while shutdown.run_until_cancelled(tokio::time::sleep(RELOAD_INTERVAL)).await.is_some() {
            let files = match read(&self.0.dir) {
                Ok(files) => files,
                Err(error) => {
                    tracing::error!(%error, "the signing keys cannot be read; the old ones stay");
                    continue;
                }
            };
            if files == self.0.current.load().files || refused.as_ref() == Some(&files) {
                continue;
            }
            match self.take_in(files.clone(), &verifier) {
                Ok(kids) => tracing::info!(?kids, "took in the signing keys"),
                Err(error) => {
                    tracing::error!(%error, "the signing keys cannot be used; the old ones stay");
                    refused = Some(files);
                }
            }
        }
    }

    fn take_in(&self, files: Files, verifier: &Verifier) -> Result<Vec<String>, BoxError> {
        let known = self.0.current.load();
        let set = KeySet::build(files, &known.keys_unchanged(), Instant::now() + self.0.notice)?;
        verifier.set_keys(&set.jwks)?;
        let kids = set.keys.keys().cloned().collect();
        self.0.current.store(Arc::new(set));
        Ok(kids)
    }
}

impl KeySet {
    /// Keys of `known` whose file is the same stay as they are; new ones sign from
    /// `signs_from` on.
    fn build(
        files: Files,
        known: &BTreeMap<(&str, &str), Arc<Key>>,
        signs_from: Instant,
    ) -> Result<Self, BoxError> {
        let mut keys = BTreeMap::new();
        for (kid, pem) in &files {
            let key = match known.get(&(kid, pem)) {
                Some(key) => key.clone(),
                None => {
                    let key = Key::read(kid, pem, signs_from);
                    Arc::new(key.map_err(|error| format!("signing key {kid}: {error}"))?)
                }
            };
            keys.insert(kid.clone(), key);
        }
        let jwks = JwkSet { keys: keys.values().map(|key| key.public.clone()).collect() };
        let jwks_json = serde_json::to_vec(&jwks)?.into();
        Ok(Self { files, keys, jwks, jwks_json })
    }

    fn keys_unchanged(&self) -> BTreeMap<(&str, &str), Arc<Key>> {
        let pairs = self.files.iter().zip(self.keys.values());
        pairs.map(|((kid, pem), key)| ((kid.as_str(), pem.as_str()), key.clone())).collect()
    }

    /// The last by name that may sign; where none may yet, the last.
    fn signer(&self, now: Instant) -> &Key {
        let mut last_first = self.keys.values().rev();
        let signer = last_first.clone().find(|key| key.signs_from <= now);
        signer.or_else(|| last_first.next()).expect("a set of keys is never empty")
    }
}

impl Key {
    fn read(kid: &str, pem: &str, signs_from: Instant) -> Result<Self, BoxError> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|error| format!("it is not a PKCS#8 PEM file: {error}"))?;
        let der = der.secret_pkcs8_der();
        let pair = Ed25519KeyPair::from_pkcs8(der).map_err(|_| "it is not an Ed25519 key")?;
        let public = Jwk {
            common: CommonParameters {
                public_key_use: Some(PublicKeyUse::Signature),
                key_algorithm: Some(KeyAlgorithm::EdDSA),
                key_id: Some(kid.to_owned()),
                ..CommonParameters::default()
            },
            algorithm: AlgorithmParameters::OctetKeyPair(OctetKeyPairParameters {
                key_type: OctetKeyPairType::OctetKeyPair,
                curve: EllipticCurve::Ed25519,
                x: BASE64_URL_SAFE_NO_PAD.encode(pair.public_key()),
            }),
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(kid.to_owned());
        Ok(Self { header, private: EncodingKey::from_ed_der(der), public, signs_from })
    }
}

/// Every `KID.pem` of a folder.
fn read(dir: &Path) -> Result<Files, BoxError> {
    let told = |error| format!("SIGNING_KEYS_DIR={}: {error}", dir.display());
    let mut files = Files::new();
    for entry in fs::read_dir(dir).map_err(told)? {
        let path = entry.map_err(told)?.path();
        let is_key = path.extension().is_some_and(|extension| extension == "pem");
        if let Some(kid) = path.file_stem().filter(|_| is_key).and_then(|stem| stem.to_str()) {
            files.insert(kid.to_owned(), fs::read_to_string(&path).map_err(told)?);
        }
    }
    match files.len() {
        1..=KEYS_MAX => Ok(files),
        count => Err(format!(
            "SIGNING_KEYS_DIR={} has {count} .pem files; 1 to {KEYS_MAX} are needed",
            dir.display()
        )
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_STANDARD;
    use mesh::config::TokenConfig;

    use super::*;

    fn pem() -> String {
        let pair = Ed25519KeyPair::generate().expect("random bytes");
        let der = pair.to_pkcs8v1().expect("a key has a DER form");
        let base64 = BASE64_STANDARD.encode(der.as_ref());
        format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n")
    }

    fn files<const N: usize>(files: [(&str, &str); N]) -> Files {
        files.into_iter().map(|(kid, pem)| (kid.to_owned(), pem.to_owned())).collect()
    }

    fn keys(files: Files, notice: Duration) -> (SigningKeys, Verifier) {
        let set = KeySet::build(files, &BTreeMap::new(), Instant::now()).expect("good keys");
        let config = TokenConfig {
            jwks_url: http::Uri::from_static("https://localhost"),
            token_issuer: "shopmesh".into(),
            token_audience: "shopmesh".into(),
        };
        let verifier = Verifier::fixed(&config, &set.jwks).expect("good keys");
        let current = ArcSwap::from_pointee(set);
        (SigningKeys(Arc::new(Inner { dir: PathBuf::new(), notice, current })), verifier)
    }

    fn signer(keys: &SigningKeys, after: Duration) -> Option<String> {
        keys.0.current.load().signer(Instant::now() + after).header.kid.clone()
    }

    #[test]
    fn a_new_key_is_published_for_a_while_before_it_signs() {
        let (a, b, notice) = (pem(), pem(), Duration::from_secs(60));
        let (keys, verifier) = keys(files([("a", &a)]), notice);
        let kids = keys.take_in(files([("a", &a), ("b", &b)]), &verifier).expect("good keys");
        assert_eq!((kids.len(), keys.jwks().keys.len(), verifier.keys_len()), (2, 2, 2));
        assert_eq!(signer(&keys, Duration::ZERO).as_deref(), Some("a"));
        assert_eq!(signer(&keys, notice).as_deref(), Some("b"));
        // Nobody is left to sign meanwhile.
        keys.take_in(files([("b", &b)]), &verifier).expect("good keys");
        assert_eq!(signer(&keys, Duration::ZERO).as_deref(), Some("b"));
    }

    #[test]
    fn what_is_no_key_leaves_the_old_ones_in_force() {
        let a = pem();
        let (keys, verifier) = keys(files([("a", &a)]), Duration::ZERO);
        let certificate = a.replace("PRIVATE KEY", "CERTIFICATE");
        for bad in ["", "nonsense", &certificate, &a[..60]] {
            let error = keys.take_in(files([("a", &a), ("b", bad)]), &verifier);
            let error = error.expect_err("it is no key").to_string();
            assert!(error.starts_with("signing key b: it is not"), "{error}");
            assert_eq!((keys.jwks().keys.len(), verifier.keys_len()), (1, 1));
            assert_eq!(signer(&keys, Duration::ZERO).as_deref(), Some("a"));
        }
    }

    #[test]
    fn a_key_in_the_form_that_carries_its_public_half_will_do() {
        let pair = Ed25519KeyPair::generate().expect("random bytes");
        let der = pair.to_pkcs8().expect("a key has a DER form");
        let base64 = BASE64_STANDARD.encode(der.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n");
        let key = Key::read("a", &pem, Instant::now()).expect("a key");
        encode(&key.header, &"claims", &key.private).expect("it signs");
    }

    #[test]
    fn a_folder_without_keys_is_told_by_its_setting() {
        let dir = tempfile::tempdir().expect("a folder");
        let error = SigningKeys::load(dir.path(), Duration::ZERO).err().expect("no key");
        assert!(error.to_string().starts_with("SIGNING_KEYS_DIR="), "{error}");
    }
}
