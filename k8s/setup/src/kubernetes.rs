//! The Secrets of a pod's namespace, through the Kubernetes API. The two calls need far less than
//! the client library `kube`, which adds 3 MB to the program and 53 packages to the build.

use std::{env, fs, path::Path, sync::Arc};

use anyhow::{Context, Result, bail};
use base64::{Engine, prelude::BASE64_STANDARD};
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, StatusCode, body::Bytes, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The Secrets of one namespace, with the permissions of the pod's service account.
pub(crate) struct Secrets {
    host: String,
    port: String,
    namespace: String,
    token: String,
    tls: TlsConnector,
}

impl Secrets {
    /// Reads the address and the credentials that Kubernetes gives to a pod.
    pub(crate) fn of_pod() -> Result<Self> {
        let read = |name: &str| {
            let path = Path::new(SERVICE_ACCOUNT).join(name);
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        let variable = |name: &str| {
            env::var(name).with_context(|| format!("{name} is not set: this is no pod"))
        };
        Ok(Self {
            host: variable("KUBERNETES_SERVICE_HOST")?,
            port: variable("KUBERNETES_SERVICE_PORT")?,
            namespace: read("namespace")?,
            token: read("token")?,
            tls: connector(&read("ca.crt")?)?,
        })
    }

    /// Creates a Secret, unless one with this name exists.
    pub(crate) async fn create(&self, name: &str, kind: &str, data: Value) -> Result<()> {
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": { "name": name, "labels": { "app.kubernetes.io/part-of": "shopmesh" } },
            "type": kind,
            "stringData": data,
        });
        match self.call(Method::POST, "", secret.to_string()).await? {
            (StatusCode::CREATED, _) => println!("{name} is created"),
            (StatusCode::CONFLICT, _) => println!("{name} exists"),
            (status, body) => bail!("{name}: {status}: {}", body["message"]),
        }
        Ok(())
    }

    /// Returns the values `keys` of a Secret.
    pub(crate) async fn get<const N: usize>(
        &self,
        name: &str,
        keys: [&str; N],
    ) -> Result<[String; N]> {
        let secret = match self.call(Method::GET, &format!("/{name}"), String::new()).await? {
            (StatusCode::OK, secret) => secret,
            (status, body) => bail!("{name}: {status}: {}", body["message"]),
        };
        let mut values = [const { String::new() }; N];
        for (value, key) in values.iter_mut().zip(keys) {
            let base64 = secret["data"][key].as_str();
            let base64 = base64.with_context(|| format!("{name} has no {key}"))?;
            *value = String::from_utf8(BASE64_STANDARD.decode(base64)?)?;
        }
        Ok(values)
    }

    /// Sends one request on a new connection.
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

/// Returns a TLS client that trusts only the cluster's own authority.
fn connector(ca: &str) -> Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca.as_bytes()) {
        roots.add(certificate?)?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, convert::Infallible, sync::Mutex};

    use hyper::{Response, body::Incoming, server, service::service_fn};
    use rustls::{ServerConfig, pki_types::PrivateKeyDer};
    use setup::certificates::{Authority, Issued};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    const PATH: &str = "/api/v1/namespaces/shop/secrets";

    /// An API server that stores Secrets, and accepts the token `good` only.
    struct ApiServer(Mutex<HashMap<String, Value>>);

    impl ApiServer {
        /// Starts the server, and returns a client with `token`.
        async fn start(token: &str) -> Secrets {
            let authority = Authority::new().expect("a new key");
            let acceptor = acceptor(authority.issue("kubernetes").expect("a signature"));
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let address = listener.local_addr().expect("it is bound");
            let server = Arc::new(Self(Mutex::default()));
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let stream = acceptor.accept(stream).await.expect("a TLS handshake");
                    let service = service_fn(|request| server.clone().respond(request));
                    let connection = server::conn::http1::Builder::new();
                    let _ = connection.serve_connection(TokioIo::new(stream), service).await;
                }
            });
            Secrets {
                host: address.ip().to_string(),
                port: address.port().to_string(),
                namespace: "shop".into(),
                token: token.into(),
                tls: connector(&authority.certificate).expect("a root certificate"),
            }
        }

        async fn respond(
            self: Arc<Self>,
            request: Request<Incoming>,
        ) -> Result<Response<Full<Bytes>>, Infallible> {
            let (head, body) = request.into_parts();
            let body = body.collect().await.expect("a whole request").to_bytes();
            let (status, body) = if head.headers[header::AUTHORIZATION] == "Bearer good" {
                self.call(&head.method, head.uri.path(), &body)
            } else {
                (StatusCode::FORBIDDEN, json!({ "message": "not you" }))
            };
            let response = Response::builder().status(status);
            Ok(response.body(Full::from(body.to_string())).expect("a valid response"))
        }

        fn call(&self, method: &Method, path: &str, body: &[u8]) -> (StatusCode, Value) {
            let mut secrets = self.0.lock().expect("no panic");
            if method == Method::GET {
                let name = path.strip_prefix(PATH).expect("the namespace").trim_start_matches('/');
                return (StatusCode::OK, json!({ "data": secrets[name] }));
            }
            assert_eq!((method, path), (&Method::POST, PATH));
            let secret: Value = serde_json::from_slice(body).expect("JSON");
            let name = secret["metadata"]["name"].as_str().expect("a name").to_owned();
            if secrets.contains_key(&name) {
                return (StatusCode::CONFLICT, json!({}));
            }
            let mut data = secret["stringData"].clone();
            for value in data.as_object_mut().expect("an object").values_mut() {
                *value = BASE64_STANDARD.encode(value.as_str().expect("a text")).into();
            }
            secrets.insert(name, data);
            (StatusCode::CREATED, secret)
        }
    }

    fn acceptor(Issued { certificate, key }: Issued) -> TlsAcceptor {
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("PEM");
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("PEM");
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the default versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("a certificate and its key");
        TlsAcceptor::from(Arc::new(config))
    }

    #[tokio::test]
    async fn an_existing_secret_is_not_changed() {
        let secrets = ApiServer::start("good").await;
        secrets.create("admin", "Opaque", json!({ "a": "1", "b": "2" })).await.expect("created");
        secrets.create("admin", "Opaque", json!({ "a": "3" })).await.expect("it exists");
        let values = secrets.get("admin", ["b", "a"]).await.expect("both values");
        assert_eq!(values, ["2", "1"]);
        let error = secrets.get("admin", ["c"]).await.expect_err("a missing value");
        assert_eq!(error.to_string(), "admin has no c");
    }

    #[tokio::test]
    async fn a_rejected_call_fails_with_the_reason() {
        let secrets = ApiServer::start("bad").await;
        let error = secrets.create("admin", "Opaque", json!({})).await.expect_err("rejected");
        assert_eq!(error.to_string(), r#"admin: 403 Forbidden: "not you""#);
    }
}
