//! What a store needs before it can start where devstack does not run it: secrets and topics. In a
//! Kubernetes cluster the secrets become Secrets, made from a pod in it (`k8s/overlays/dev` says which pods
//! wait for them); for `compose.yaml` they are files.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Method, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};
use tokio_rustls::TlsConnector;
use topology::Service;

use crate::certificates::{self, Authority, Issued};
use crate::secrets::{Secrets, new_key, new_password, new_signing_key};
use crate::{kafka, seed};

/// Makes the Secrets of a store in the pod's own namespace, and touches none that is there. Each
/// certificate lies beside its key and the authority's certificate, in the keys that cert-manager uses.
///
/// # Errors
/// No API server, or one that refuses.
pub async fn make_secrets() -> Result<()> {
    let api = Api::of_pod()?;
    let authority = authority(&api).await?;
    for name in Service::all().map(Service::name) {
        let Issued { certificate, key } = authority.issue(name)?;
        let data =
            json!({ "tls.crt": certificate, "tls.key": key, "ca.crt": authority.certificate });
        api.create_secret(&format!("{name}-tls"), "kubernetes.io/tls", data).await?;
    }
    for service in Service::with_database() {
        let (name, role) = (service.name(), service.database().unwrap_or_default());
        let password = new_password();
        let url = format!("postgres://{role}:{password}@postgres:5432/{role}?sslmode=disable");
        let data = json!({ "username": role, "password": password, "url": url });
        let secret = format!("{name}-database");
        api.create_secret(&secret, "kubernetes.io/basic-auth", data).await?;
    }
    for service in Service::with_database() {
        let secret = page_token_key(service);
        api.create_secret(&secret, OPAQUE, json!({ "key": new_key() })).await?;
    }
    let signing_key = json!({ "cluster-1.pem": new_signing_key()? });
    api.create_secret("user-svc-signing-keys", OPAQUE, signing_key).await?;
    api.create_secret("postgres", OPAQUE, json!({ "password": new_password() })).await?;
    let admin = json!({ "email": seed::admin().email, "password": new_password() });
    api.create_secret("admin", OPAQUE, admin).await
}

/// Makes the certificates and keys of a store that `folder` lacks, as files laid out as devstack's own.
///
/// # Errors
/// A folder that cannot be written.
pub fn make_secret_files(folder: &Path) -> Result<()> {
    certificates::set_up(&folder.join("tls"))?;
    let secrets = Secrets::open(folder)?;
    for service in Service::with_database() {
        secrets.key_file(&page_token_key(service))?;
    }
    secrets.signing_keys()?;
    Ok(())
}

/// Makes the topics that are missing. Waits for the broker, for a bounded time.
///
/// # Errors
/// A broker that does not come, or refuses.
pub async fn make_topics(brokers: &str) -> Result<()> {
    const BROKER_WAIT_MAX: Duration = Duration::from_secs(120);
    const RETRY_DELAY: Duration = Duration::from_secs(1);
    let until = Instant::now() + BROKER_WAIT_MAX;
    loop {
        match kafka::create_topics(brokers).await {
            Err(_) if Instant::now() < until => sleep(RETRY_DELAY).await,
            made => return made,
        }
    }
}

fn page_token_key(service: Service) -> String {
    format!("{}-page-token-key", service.name())
}

const OPAQUE: &str = "Opaque";
const AUTHORITY: &str = "mesh-ca";

/// The authority of this namespace: kept, so that a certificate can be made anew without the others.
async fn authority(api: &Api) -> Result<Authority> {
    let new = Authority::new()?;
    let data = json!({ "tls.crt": new.certificate, "tls.key": new.key() });
    api.create_secret(AUTHORITY, "kubernetes.io/tls", data).await?;
    let kept = api.secret(AUTHORITY).await?;
    Authority::from_pem(field(&kept, "tls.crt")?, &field(&kept, "tls.key")?)
}

/// A value of a Secret.
fn field(secret: &Value, key: &str) -> Result<String> {
    let value = secret["data"][key].as_str().with_context(|| format!("{key} is missing"))?;
    Ok(String::from_utf8(BASE64_STANDARD.decode(value)?)?)
}

/// The API server, as the pod's service account may use it.
struct Api {
    host: String,
    port: String,
    namespace: String,
    token: String,
    tls: TlsConnector,
}

impl Api {
    fn of_pod() -> Result<Self> {
        let folder = Path::new("/var/run/secrets/kubernetes.io/serviceaccount");
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        let variable = |name: &str| {
            std::env::var(name).with_context(|| format!("{name} is not set: this is no pod"))
        };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(read("ca.crt")?.as_bytes()) {
            roots.add(certificate?)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            host: variable("KUBERNETES_SERVICE_HOST")?,
            port: variable("KUBERNETES_SERVICE_PORT")?,
            namespace: read("namespace")?,
            token: read("token")?,
            tls: TlsConnector::from(Arc::new(tls)),
        })
    }

    /// Makes a Secret, unless there is one of that name.
    async fn create_secret(&self, name: &str, kind: &str, data: Value) -> Result<()> {
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": { "name": name, "labels": { "app.kubernetes.io/part-of": "shopmesh" } },
            "type": kind,
            "stringData": data,
        });
        match self.call(Method::POST, "", secret.to_string()).await? {
            (StatusCode::CREATED, _) => println!("{name} is made"),
            (StatusCode::CONFLICT, _) => println!("{name} is there"),
            (status, answer) => bail!("{name}: {status}: {}", answer["message"]),
        }
        Ok(())
    }

    async fn secret(&self, name: &str) -> Result<Value> {
        match self.call(Method::GET, &format!("/{name}"), String::new()).await? {
            (StatusCode::OK, secret) => Ok(secret),
            (status, answer) => bail!("{name}: {status}: {}", answer["message"]),
        }
    }

    /// One request about Secrets on a connection of its own.
    async fn call(&self, method: Method, path: &str, body: String) -> Result<(StatusCode, Value)> {
        let address = format!("{}:{}", self.host, self.port);
        let stream = TcpStream::connect(&address).await.with_context(|| address.clone())?;
        let stream = self.tls.connect(ServerName::try_from(self.host.clone())?, stream).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1/namespaces/{}/secrets{path}", self.namespace))
            .header(header::HOST, address)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))?;
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        Ok((status, serde_json::from_slice(&body)?))
    }
}
