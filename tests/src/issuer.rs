//! Access tokens as user-svc issues them, for tests of the other services: signed by
//! a key of the store, whose public half is served as user-svc serves it.

use std::{
    convert::Infallible,
    fs,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use devstack::testing::Env;
use jsonwebtoken::{
    Algorithm, EncodingKey, Header, encode,
    jwk::{Jwk, JwkSet},
};
use mesh::{
    identity::Claims,
    server::{Transport, serve},
    tls::Tls,
};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{Request, body::Body};
use uuid::Uuid;

/// Issues tokens, and serves the key that they are checked by.
pub struct Issuer {
    /// Where the public key is.
    pub jwks_url: String,
    key: EncodingKey,
    kid: String,
}

impl Issuer {
    /// Starts to serve, for as long as the test's runtime lives.
    ///
    /// # Panics
    /// Where there is no store.
    pub async fn start() -> Self {
        let folder = Env::from_env().signing_keys_dir();
        let mut files: Vec<_> = fs::read_dir(folder)
            .expect("the store has signing keys")
            .map(|file| file.expect("a readable folder").path())
            .collect();
        files.sort();
        let file = files.pop().expect("the store has a signing key");
        let kid = file.file_stem().expect("a key has a name").to_string_lossy().into_owned();
        let pem = fs::read(&file).expect("the key can be read");
        let der = PrivatePkcs8KeyDer::from_pem_slice(&pem).expect("the key is PKCS#8");
        let key = EncodingKey::from_ed_der(der.secret_pkcs8_der());

        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::EdDSA).expect("it has a public half");
        jwk.common.key_id = Some(kid.clone());
        let jwks = serde_json::to_string(&JwkSet { keys: vec![jwk] }).expect("plain data");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let transport = Transport {
            tls: Some(Tls::load(&crate::service::tls_config("user-svc")).expect("certificates")),
            http1: false,
            drain_duration_max: Duration::from_secs(1),
        };
        let answer = tower::service_fn(move |_: http::Request<Body>| {
            let response = http::Response::new(Body::new(jwks.clone()));
            async move { Ok::<_, Infallible>(response) }
        });
        tokio::spawn(serve(listener, transport, answer, CancellationToken::new()));
        Self { jwks_url: format!("https://localhost:{port}/.well-known/jwks.json"), key, kid }
    }

    /// A new customer's claims, good for ten minutes.
    pub fn customer(&self) -> Claims {
        claims("customer")
    }

    /// A new admin's claims, good for ten minutes.
    pub fn admin(&self) -> Claims {
        claims("admin")
    }

    /// The token that says `claims`.
    ///
    /// # Panics
    /// Never: the claims are plain data.
    pub fn token(&self, claims: &Claims) -> String {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.kid.clone());
        encode(&header, claims, &self.key).expect("plain data")
    }

    /// A request of the bearer of `claims`.
    pub fn request<T>(&self, claims: &Claims, message: T) -> Request<T> {
        with_token(&self.token(claims), message)
    }
}

/// A request with an access token.
///
/// # Panics
/// On a token that is not ASCII.
pub fn with_token<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let value = format!("Bearer {token}").parse().expect("a token is ASCII");
    request.metadata_mut().insert("authorization", value);
    request
}

fn claims(role: &str) -> Claims {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs();
    let sub = Uuid::now_v7();
    Claims {
        iss: "shopmesh".into(),
        aud: "shopmesh".into(),
        sub,
        exp: now + 600,
        iat: now,
        jti: Uuid::now_v7(),
        sid: Some(Uuid::now_v7()),
        role: role.to_owned(),
        email: Some(format!("{sub}@example.com")),
        name: "Pat Example".into(),
    }
}
