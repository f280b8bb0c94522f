//! An issuer of access tokens: a key, and a server for its public half.

use std::{
    convert::Infallible,
    net::SocketAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Request, Response};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use mesh::{
    identity::Claims,
    server::{Transport, serve},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tower::service_fn;
use uuid::Uuid;

/// A key with its id.
pub struct Issuer {
    key: EncodingKey,
    public: String,
}

impl Issuer {
    pub fn new() -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        let public = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        Self { key: EncodingKey::from_ed_der(pkcs8.as_ref()), public }
    }

    /// Serves the public key; returns JWKS_URL.
    pub async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        self.serve_on(listener);
        Self::url(address)
    }

    pub fn url(address: SocketAddr) -> String {
        format!("http://{address}/.well-known/jwks.json")
    }

    pub fn serve_on(&self, listener: TcpListener) {
        let jwks = serde_json::json!({ "keys": [
            { "kty": "OKP", "crv": "Ed25519", "kid": "k1", "alg": "EdDSA", "x": self.public }
        ] });
        let service = service_fn(move |_: Request<Body>| {
            let body = axum::body::Body::from(jwks.to_string());
            async { Ok::<_, Infallible>(Response::new(Body::new(body))) }
        });
        let transport =
            Transport { tls: None, http1: false, drain_duration_max: Duration::from_millis(1) };
        tokio::spawn(serve(listener, transport, service, CancellationToken::new()));
    }

    /// A token of `role` that expires `seconds` from now.
    pub fn token(&self, role: &str, seconds: i64) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let claims = Claims {
            iss: "shopmesh".into(),
            aud: "shopmesh".into(),
            sub: Uuid::now_v7(),
            exp: now.saturating_add_signed(seconds),
            iat: now,
            jti: Uuid::now_v7(),
            sid: None,
            role: role.to_owned(),
            email: None,
            name: "Somebody".into(),
        };
        let header = Header { kid: Some("k1".into()), ..Header::new(Algorithm::EdDSA) };
        encode(&header, &claims, &self.key).unwrap()
    }
}
