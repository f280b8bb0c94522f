//! The keys that sign access tokens: their rotation, and the public keys that verify tokens. Does no
//! I/O, and knows nothing of what a token is for.

pub(crate) mod folder;

use std::{
    collections::BTreeMap,
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
use mesh::{
    BoxError, Error,
    identity::Claims,
    token::{TOKEN_TYPE, Verifier},
};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};

/// The text of each key file, by `kid`.
pub(crate) type KeyFiles = BTreeMap<String, String>;

/// The current keys. Cheap to clone.
#[derive(Clone)]
pub(crate) struct SigningKeys(Arc<Inner>);

struct Inner {
    /// How long a new key is only published.
    notice: Duration,
    current: ArcSwap<KeySet>,
}

/// **Invariant:** never empty.
struct KeySet {
    files: KeyFiles,
    keys: BTreeMap<String, Arc<Key>>,
    jwks: JwkSet,
    jwks_json: Bytes,
}

struct Key {
    header: Header,
    private: EncodingKey,
    public: Jwk,
    /// Until then the key is only published.
    signs_from: Instant,
}

impl SigningKeys {
    /// Reads keys from at least one file. A key that a reload adds signs only after `notice`: until
    /// then another replica may not publish it yet.
    pub(crate) fn new(files: KeyFiles, notice: Duration) -> Result<Self, BoxError> {
        let set = KeySet::build(files, &BTreeMap::new(), Instant::now())?;
        Ok(Self(Arc::new(Inner { notice, current: ArcSwap::from_pointee(set) })))
    }

    /// Returns an access token with these claims.
    pub(crate) fn sign(&self, claims: &Claims) -> Result<String, Error> {
        let set = self.0.current.load();
        let key = set.signer(Instant::now());
        encode(&key.header, claims, &key.private).map_err(Error::internal)
    }

    /// Returns all public keys.
    pub(crate) fn jwks(&self) -> JwkSet {
        self.0.current.load().jwks.clone()
    }

    /// Returns all public keys as JSON.
    pub(crate) fn jwks_json(&self) -> Bytes {
        self.0.current.load().jwks_json.clone()
    }

    /// Returns whether the keys come from files with these texts.
    pub(crate) fn match_files(&self, files: &KeyFiles) -> bool {
        self.0.current.load().files == *files
    }

    /// Replaces the keys, also those of `verifier`, and returns their ids. After an error the old keys
    /// stay.
    pub(crate) fn reload(
        &self,
        files: KeyFiles,
        verifier: &Verifier,
    ) -> Result<Vec<String>, BoxError> {
        let old = self.0.current.load();
        let set = KeySet::build(files, &old.by_file(), Instant::now() + self.0.notice)?;
        verifier.set_keys(&set.jwks)?;
        let kids = set.keys.keys().cloned().collect();
        self.0.current.store(Arc::new(set));
        Ok(kids)
    }
}

impl KeySet {
    /// Keeps the `old` keys whose file is unchanged; new keys sign after `signs_from`.
    fn build(
        files: KeyFiles,
        old: &BTreeMap<(&str, &str), Arc<Key>>,
        signs_from: Instant,
    ) -> Result<Self, BoxError> {
        let mut keys = BTreeMap::new();
        for (kid, pem) in &files {
            let key = match old.get(&(kid, pem)) {
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

    /// Returns the keys by `kid` and text of their file.
    fn by_file(&self) -> BTreeMap<(&str, &str), Arc<Key>> {
        let pairs = self.files.iter().zip(self.keys.values());
        pairs.map(|((kid, pem), key)| ((kid.as_str(), pem.as_str()), key.clone())).collect()
    }

    /// Returns the last key by name that may sign at `now`, or simply the last if none may.
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
        header.typ = Some(TOKEN_TYPE.to_owned());
        header.kid = Some(kid.to_owned());
        Ok(Self { header, private: EncodingKey::from_ed_der(der), public, signs_from })
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

    fn files<const N: usize>(files: [(&str, &str); N]) -> KeyFiles {
        files.into_iter().map(|(kid, pem)| (kid.to_owned(), pem.to_owned())).collect()
    }

    fn keys(files: KeyFiles, notice: Duration) -> (SigningKeys, Verifier) {
        let keys = SigningKeys::new(files, notice).expect("valid keys");
        let config = TokenConfig {
            jwks_url: http::Uri::from_static("https://localhost"),
            jwks_age_seconds_max: Duration::from_secs(60),
            token_issuer: "shopmesh".into(),
            token_audience: "shopmesh".into(),
        };
        let verifier = Verifier::fixed(&config, &keys.jwks()).expect("valid keys");
        (keys, verifier)
    }

    fn signer(keys: &SigningKeys, after: Duration) -> Option<String> {
        keys.0.current.load().signer(Instant::now() + after).header.kid.clone()
    }

    #[test]
    fn a_new_key_is_published_before_it_signs() {
        let (a, b, notice) = (pem(), pem(), Duration::from_secs(60));
        let (keys, verifier) = keys(files([("a", &a)]), notice);
        let kids = keys.reload(files([("a", &a), ("b", &b)]), &verifier).expect("valid keys");
        assert_eq!((kids.len(), keys.jwks().keys.len(), verifier.keys_len()), (2, 2, 2));
        assert_eq!(signer(&keys, Duration::ZERO).as_deref(), Some("a"));
        assert_eq!(signer(&keys, notice).as_deref(), Some("b"));
        // No other key is left, so it signs at once.
        keys.reload(files([("b", &b)]), &verifier).expect("valid keys");
        assert_eq!(signer(&keys, Duration::ZERO).as_deref(), Some("b"));
    }

    #[test]
    fn an_invalid_key_leaves_the_old_keys_in_use() {
        let a = pem();
        let (keys, verifier) = keys(files([("a", &a)]), Duration::ZERO);
        let certificate = a.replace("PRIVATE KEY", "CERTIFICATE");
        for bad in ["", "nonsense", &certificate, &a[..60]] {
            let error = keys.reload(files([("a", &a), ("b", bad)]), &verifier);
            let error = error.expect_err("the key is invalid").to_string();
            assert!(error.starts_with("signing key b: it is not"), "{error}");
            assert_eq!((keys.jwks().keys.len(), verifier.keys_len()), (1, 1));
            assert_eq!(signer(&keys, Duration::ZERO).as_deref(), Some("a"));
        }
    }

    #[test]
    fn a_key_file_may_include_the_public_key() {
        let pair = Ed25519KeyPair::generate().expect("random bytes");
        let der = pair.to_pkcs8().expect("a key has a DER form");
        let base64 = BASE64_STANDARD.encode(der.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n");
        let key = Key::read("a", &pem, Instant::now()).expect("a key");
        encode(&key.header, &"claims", &key.private).expect("it signs");
    }
}
