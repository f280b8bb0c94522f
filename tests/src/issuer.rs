//! Access tokens for tests: a key that signs them, and a server of its public half (JWKS).

use std::{
    convert::Infallible,
    fs,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use devstack::testing::Env;
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    crypto::sign,
    encode,
    jwk::{Jwk, JwkSet},
};
use mesh::{
    identity::Claims,
    server::{Transport, serve},
    tls::Tls,
    token::TOKEN_TYPE,
};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::CancellationToken;
use tonic::{Request, body::Body};
use uuid::Uuid;

/// How long the token of a test is valid.
const TOKEN_SECONDS: i64 = 600;

/// An Ed25519 key that signs access tokens.
#[derive(Clone)]
pub struct SigningKey {
    kid: String,
    pkcs8: Vec<u8>,
}

impl SigningKey {
    /// Generates a key.
    ///
    /// # Panics
    /// If the system has no random numbers.
    pub fn generate(kid: &str) -> Self {
        let pair = Ed25519KeyPair::generate().expect("random numbers are available");
        let der = pair.to_pkcs8v1().expect("a generated key can be encoded");
        Self { kid: kid.to_owned(), pkcs8: der.as_ref().to_vec() }
    }

    /// Reads the newest key of the running store, whose services accept its tokens.
    ///
    /// # Panics
    /// If no store runs.
    pub fn of_store() -> Self {
        let files = fs::read_dir(Env::from_env().signing_keys_dir());
        let files = files.expect("the store has a folder of signing keys");
        let newest = files.map(|file| file.expect("the folder is readable").path()).max();
        let newest = newest.expect("the store has a signing key");
        let kid = newest.file_stem().expect("the file name is the kid");
        let pem = fs::read(&newest).expect("the key is readable");
        let der = PrivatePkcs8KeyDer::from_pem_slice(&pem).expect("the key is PKCS#8");
        Self { kid: kid.to_string_lossy().into_owned(), pkcs8: der.secret_pkcs8_der().to_vec() }
    }

    /// Writes the key to `KID.pem` in `folder`, as user-svc reads it.
    ///
    /// # Panics
    /// If the folder is not writable.
    pub fn write_pem(&self, folder: &Path) {
        let base64 = BASE64_STANDARD.encode(&self.pkcs8);
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n");
        fs::write(folder.join(format!("{}.pem", self.kid)), pem).expect("the folder is writable");
    }

    /// Returns a token with these claims.
    ///
    /// # Panics
    /// Never: claims are plain data.
    pub fn token(&self, claims: &Claims) -> String {
        let header = Header {
            typ: Some(TOKEN_TYPE.to_owned()),
            kid: Some(self.kid.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        encode(&header, claims, &self.encoding_key()).expect("claims are plain data")
    }

    /// Returns a token with this header and these claims, valid or not.
    ///
    /// # Panics
    /// Never: both are plain data.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = unsigned(header, claims);
        let signature = sign(message.as_bytes(), &self.encoding_key(), Algorithm::EdDSA);
        format!("{message}.{}", signature.expect("a key signs anything"))
    }

    /// Returns the public half.
    ///
    /// # Panics
    /// Never: every key has one.
    pub fn jwk(&self) -> Jwk {
        let jwk = Jwk::from_encoding_key(&self.encoding_key(), Algorithm::EdDSA);
        let mut jwk = jwk.expect("every key has a public half");
        jwk.common.key_id = Some(self.kid.clone());
        jwk
    }

    fn encoding_key(&self) -> EncodingKey {
        EncodingKey::from_ed_der(&self.pkcs8)
    }
}

/// Returns header and claims as a token has them before its signature.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    let [header, claims] =
        [header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()));
    format!("{header}.{claims}")
}

/// Returns the JWKS of `keys`.
pub fn jwks(keys: &[&SigningKey]) -> JwkSet {
    JwkSet { keys: keys.iter().map(|key| key.jwk()).collect() }
}

/// A server of a JWKS document, for the lifetime of the test.
pub struct JwksServer {
    /// Where the document is.
    pub url: String,
    document: Arc<Mutex<String>>,
    fetches: Arc<AtomicUsize>,
    hangs: watch::Sender<bool>,
    stop: CancellationToken,
}

impl JwksServer {
    /// Serves `keys` in plaintext on a free port.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn start(keys: &[&SigningKey]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        Self::start_on(listener, None, keys)
    }

    /// Serves `keys` on `listener`.
    ///
    /// # Panics
    /// If the listener has no address.
    pub fn start_on(listener: TcpListener, tls: Option<Tls>, keys: &[&SigningKey]) -> Self {
        let address = listener.local_addr().expect("the listener is bound");
        let scheme = if tls.is_some() { "https" } else { "http" };
        let document = Arc::new(Mutex::new(document(keys)));
        let (fetches, stop) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
        let (current, counter) = (document.clone(), fetches.clone());
        let (hangs, responds) = watch::channel(false);
        let service = tower::service_fn(move |_: http::Request<Body>| {
            counter.fetch_add(1, Ordering::Relaxed);
            let (current, mut responds) = (current.clone(), responds.clone());
            async move {
                let _ = responds.wait_for(|hangs| !hangs).await;
                let document = current.lock().unwrap_or_else(PoisonError::into_inner).clone();
                Ok::<_, Infallible>(http::Response::new(Body::new(document)))
            }
        });
        let transport = Transport::internal(tls, 100, Duration::from_secs(1));
        tokio::spawn(serve(listener, transport, service, stop.clone()));
        Self { url: Self::url_at(scheme, address), document, fetches, hangs, stop }
    }

    /// Returns the URL of the document of a server at `address`, which must be of 127.0.0.1.
    pub fn url_at(scheme: &str, address: SocketAddr) -> String {
        // Certificates are issued to names, and a name may also resolve to an address of IPv6.
        let host = if scheme == "https" { "localhost" } else { "127.0.0.1" };
        format!("{scheme}://{host}:{}/.well-known/jwks.json", address.port())
    }

    /// Replaces the keys.
    pub fn publish(&self, keys: &[&SigningKey]) {
        *self.document.lock().unwrap_or_else(PoisonError::into_inner) = document(keys);
    }

    /// Returns how often the document was fetched.
    pub fn fetches(&self) -> usize {
        self.fetches.load(Ordering::Relaxed)
    }

    /// Accepts requests from now on, but responds to none.
    pub fn hang(&self) {
        self.hangs.send_replace(true);
    }

    /// Stops serving.
    pub fn stop(&self) {
        self.stop.cancel();
    }
}

fn document(keys: &[&SigningKey]) -> String {
    serde_json::to_string(&jwks(keys)).expect("a JWKS is plain data")
}

/// Issues tokens, and serves the key that verifies them.
pub struct Issuer {
    /// Where the public key is.
    pub jwks_url: String,
    key: SigningKey,
}

impl Issuer {
    /// Issues tokens as the running store does: with its key, served with the certificate of
    /// user-svc.
    ///
    /// # Panics
    /// If no store runs.
    pub async fn start() -> Self {
        let key = SigningKey::of_store();
        let tls = Tls::load(&crate::service::tls_config("user-svc")).expect("certificates");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let server = JwksServer::start_on(listener, Some(tls), &[&key]);
        Self { jwks_url: server.url, key }
    }

    /// Issues tokens with a new key, served in plaintext: for tests without a store.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn start_plaintext() -> Self {
        let key = SigningKey::generate("k1");
        let server = JwksServer::start(&[&key]).await;
        Self { jwks_url: server.url, key }
    }

    /// Returns the claims of a new customer.
    pub fn customer(&self) -> Claims {
        claims("customer", TOKEN_SECONDS)
    }

    /// Returns the claims of a new admin.
    pub fn admin(&self) -> Claims {
        claims("admin", TOKEN_SECONDS)
    }

    /// Returns a token with these claims.
    pub fn token(&self, claims: &Claims) -> String {
        self.key.token(claims)
    }

    /// Returns a request with a token of `claims`.
    pub fn request<T>(&self, claims: &Claims, message: T) -> Request<T> {
        with_token(&self.token(claims), message)
    }
}

/// Returns a request with an access token.
///
/// # Panics
/// If the token is not ASCII.
pub fn with_token<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let value = format!("Bearer {token}").parse().expect("a token is ASCII");
    request.metadata_mut().insert("authorization", value);
    request
}

/// Returns the claims of a new account with `role`, which expire `seconds` from now.
///
/// # Panics
/// If the clock is before 1970.
pub fn claims(role: &str, seconds: i64) -> Claims {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs();
    let sub = Uuid::now_v7();
    Claims {
        iss: "shopmesh".into(),
        aud: "shopmesh".into(),
        sub,
        exp: now.saturating_add_signed(seconds),
        iat: now,
        jti: Uuid::now_v7(),
        sid: Some(Uuid::now_v7()),
        role: role.to_owned(),
        email: Some(format!("{sub}@example.com")),
        email_verified: true,
        name: "Pat Example".into(),
    }
}
