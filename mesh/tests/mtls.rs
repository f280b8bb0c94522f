//! Channel and server over mTLS: the name in its certificate identifies a caller, and callers
//! without a certificate of the mesh are rejected.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::{
    convert::Infallible,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use http::{HeaderValue, Request, Response};
use mesh::{
    Error,
    channel::{Channel, Target},
    config::TlsConfig,
    server::{Peer, Transport, serve},
    tls::Tls,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tower::service_fn;

/// A certificate authority, and the folder with the certificates that it signed.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a new certificate and key of `service`.
    fn sign(&self, service: &str) -> TlsConfig {
        let key = KeyPair::generate().unwrap();
        let names = vec![service.to_owned(), "localhost".to_owned()];
        let params = CertificateParams::new(names).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let files = TlsConfig {
            tls_cert_file: self.path(&format!("{service}.pem")),
            tls_key_file: self.path(&format!("{service}-key.pem")),
            tls_ca_file: self.path("ca.pem"),
        };
        std::fs::write(&files.tls_cert_file, certificate.pem()).unwrap();
        std::fs::write(&files.tls_key_file, key.serialize_pem()).unwrap();
        files
    }
}

/// Starts a server that responds with the name in the caller's certificate.
async fn start(tls: Option<Tls>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = service_fn(|request: Request<Body>| {
        let peer = request.extensions().get::<Peer>().unwrap();
        let name = peer.certificate_name.as_deref().unwrap_or("nobody");
        let name = HeaderValue::from_str(name).unwrap();
        let mut response = Response::new(Body::empty());
        response.headers_mut().insert("x-caller", name);
        async { Ok::<_, Infallible>(response) }
    });
    let transport = Transport::internal(tls, 100, Duration::from_millis(1));
    tokio::spawn(serve(listener, transport, service, CancellationToken::new()));
    address
}

/// Returns the name by which the server at `address` identifies a caller with these files.
async fn identify(address: SocketAddr, files: &TlsConfig) -> Result<String, Error> {
    let channel = Channel::connect(Target {
        url: format!("https://localhost:{}", address.port()).parse().unwrap(),
        unavailable_reason: "SERVICE_UNAVAILABLE",
        tls: Some(Tls::load(files).unwrap()),
        methods: Arc::default(),
    });
    let request = Request::post("/").body(Body::empty()).unwrap();
    let response = channel.unwrap().send(request, false).await?;
    Ok(response.headers()["x-caller"].to_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_name_in_its_certificate_identifies_a_caller() {
    let authority = Authority::new();
    let address = start(Some(Tls::load(&authority.sign("server")).unwrap())).await;
    for name in ["order-svc", "gateway"] {
        assert_eq!(identify(address, &authority.sign(name)).await.unwrap(), name);
    }
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_rejected() {
    let (authority, other) = (Authority::new(), Authority::new());
    let address = start(Some(Tls::load(&authority.sign("server")).unwrap())).await;
    // The caller trusts the server, but the server does not trust the caller.
    let mut files = other.sign("order-svc");
    files.tls_ca_file = authority.path("ca.pem");
    assert!(matches!(identify(address, &files).await, Err(Error::Unavailable { .. })));
    // The caller does not trust the server.
    let mut files = authority.sign("order-svc");
    files.tls_ca_file = other.path("ca.pem");
    assert!(matches!(identify(address, &files).await, Err(Error::Unavailable { .. })));
}

#[tokio::test]
async fn plaintext_is_rejected_by_servers_and_by_callers() {
    let authority = Authority::new();
    let files = authority.sign("order-svc");
    let plaintext = start(None).await;
    assert!(matches!(identify(plaintext, &files).await, Err(Error::Unavailable { .. })));

    let address = start(Some(Tls::load(&authority.sign("server")).unwrap())).await;
    let channel = Channel::connect(Target {
        url: format!("http://localhost:{}", address.port()).parse().unwrap(),
        unavailable_reason: "SERVICE_UNAVAILABLE",
        tls: None,
        methods: Arc::default(),
    });
    let request = Request::post("/").body(Body::empty()).unwrap();
    let sent = channel.unwrap().send(request, false).await;
    assert!(matches!(sent, Err(Error::Unavailable { .. })));
}

#[tokio::test]
async fn new_certificates_are_loaded_and_invalid_ones_ignored() {
    let authority = Authority::new();
    let files = authority.sign("server");
    let tls = Tls::load(&files).unwrap();
    let address = start(Some(tls.clone())).await;
    let first = tls.server();
    assert!(!tls.reload().unwrap(), "no file has changed");

    authority.sign("server");
    assert!(tls.reload().unwrap());
    assert!(!Arc::ptr_eq(&first, &tls.server()));
    let second = tls.server();

    write(&files.tls_cert_file, "no certificate");
    assert!(tls.reload().is_err());
    assert!(Arc::ptr_eq(&second, &tls.server()), "the valid one stays in use");
    assert_eq!(identify(address, &authority.sign("order-svc")).await.unwrap(), "order-svc");
}

#[tokio::test]
async fn the_error_names_a_missing_file() {
    let authority = Authority::new();
    let mut files = authority.sign("server");
    files.tls_key_file = "nowhere-key.pem".into();
    let error = Tls::load(&files).err().unwrap().to_string();
    assert!(error.starts_with("nowhere-key.pem: "), "{error}");
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}
