//! Channel and server over mTLS: who shows a certificate of the mesh is known by its
//! name, and nobody else gets in.

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

/// An authority and the files of those it signed for.
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

    /// Writes certificate and key of `service`, or replaces them by new ones.
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

/// Serves the name of each caller's certificate.
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
    let transport = Transport { tls, http1: false, drain_duration_max: Duration::from_millis(1) };
    tokio::spawn(serve(listener, transport, service, CancellationToken::new()));
    address
}

/// Whom the server at `address` takes a caller with these files for.
async fn called(address: SocketAddr, files: &TlsConfig) -> Result<String, Error> {
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
async fn a_caller_is_known_by_the_name_in_its_certificate() {
    let authority = Authority::new();
    let address = start(Some(Tls::load(&authority.sign("server")).unwrap())).await;
    for name in ["order-svc", "gateway"] {
        assert_eq!(called(address, &authority.sign(name)).await.unwrap(), name);
    }
}

#[tokio::test]
async fn a_certificate_of_another_authority_gets_nowhere() {
    let (authority, other) = (Authority::new(), Authority::new());
    let address = start(Some(Tls::load(&authority.sign("server")).unwrap())).await;
    // The caller trusts the server, but the server not the caller.
    let mut files = other.sign("order-svc");
    files.tls_ca_file = authority.path("ca.pem");
    assert!(matches!(called(address, &files).await, Err(Error::Unavailable { .. })));
    // The caller does not trust the server.
    let mut files = authority.sign("order-svc");
    files.tls_ca_file = other.path("ca.pem");
    assert!(matches!(called(address, &files).await, Err(Error::Unavailable { .. })));
}

#[tokio::test]
async fn a_caller_without_tls_and_one_of_a_plaintext_server_get_nowhere() {
    let authority = Authority::new();
    let files = authority.sign("order-svc");
    let plaintext = start(None).await;
    assert!(matches!(called(plaintext, &files).await, Err(Error::Unavailable { .. })));

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
async fn new_certificates_are_taken_in_and_bad_ones_left() {
    let authority = Authority::new();
    let files = authority.sign("server");
    let tls = Tls::load(&files).unwrap();
    let address = start(Some(tls.clone())).await;
    let first = tls.server();
    assert!(!tls.reload().unwrap(), "nothing has changed");

    authority.sign("server");
    assert!(tls.reload().unwrap());
    assert!(!Arc::ptr_eq(&first, &tls.server()));
    let second = tls.server();

    write(&files.tls_cert_file, "no certificate");
    assert!(tls.reload().is_err());
    assert!(Arc::ptr_eq(&second, &tls.server()), "the good one stays in force");
    assert_eq!(called(address, &authority.sign("order-svc")).await.unwrap(), "order-svc");
}

#[tokio::test]
async fn files_that_are_not_there_are_named() {
    let authority = Authority::new();
    let mut files = authority.sign("server");
    files.tls_key_file = "nowhere-key.pem".into();
    let error = Tls::load(&files).err().unwrap().to_string();
    assert!(error.starts_with("nowhere-key.pem: "), "{error}");
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}
