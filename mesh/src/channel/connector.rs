//! Opens connections to a service, and signals between its pool and its endpoints.

use std::{net::SocketAddr, pin::Pin, time::Duration};

use http::{
    Uri,
    uri::{Authority, Scheme},
};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::ServerName;
use tokio::{net::TcpStream, sync::Notify, time::timeout};
use tonic::body::Body;

use crate::{
    BoxError,
    tls::{Tls, io_error},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(5);
const WINDOW_BYTES: u32 = 1 << 20;

/// How to connect to one service. Lives as long as its pool.
pub(super) struct Connector {
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
    tls: Option<Tls>,
    /// Signals that a connection opened or an attempt failed.
    pub(super) changed: Notify,
    /// Requests a look-up of the addresses now.
    pub(super) resolve: Notify,
}

impl Connector {
    /// Reads scheme and authority of `url`.
    ///
    /// # Errors
    /// A URL without a host, or `https` without certificates.
    pub(super) fn new(url: &Uri, tls: Option<Tls>) -> Result<Self, BoxError> {
        let authority = url.authority().cloned();
        let authority = authority.ok_or_else(|| format!("{url} has no host"))?;
        let scheme = url.scheme().cloned().unwrap_or(Scheme::HTTP);
        if scheme == Scheme::HTTPS && tls.is_none() {
            return Err(format!("{url} needs certificates").into());
        }
        Ok(Self { scheme, authority, tls, changed: Notify::new(), resolve: Notify::new() })
    }

    /// Returns host and port of the service.
    pub(super) fn host_and_port(&self) -> (&str, u16) {
        let standard_port = if self.scheme == Scheme::HTTPS { 443 } else { 80 };
        let host = self.authority.host().trim_matches(['[', ']']);
        (host, self.authority.port_u16().unwrap_or(standard_port))
    }

    /// Opens a connection to one of the addresses.
    pub(super) async fn open(
        &self,
        address: SocketAddr,
    ) -> std::io::Result<(SendRequest<Body>, Driver)> {
        let opened = timeout(CONNECT_TIMEOUT, async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            match &self.tls {
                Some(tls) if self.scheme == Scheme::HTTPS => {
                    let (host, _) = self.host_and_port();
                    let name = ServerName::try_from(host.to_owned()).map_err(io_error)?;
                    let connector = tokio_rustls::TlsConnector::from(tls.client());
                    handshake(connector.connect(name, stream).await?).await
                }
                _ => handshake(stream).await,
            }
        });
        opened.await.unwrap_or_else(|_| Err(io_error("timed out")))
    }
}

/// Drives a connection until it ends: when its peer closes it, or when all senders are dropped and all
/// requests have ended.
pub(super) type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Opens an HTTP/2 connection over `stream`.
async fn handshake<S>(stream: S) -> std::io::Result<(SendRequest<Body>, Driver)>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES * 4)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(io_error)?;
    let driver = Box::pin(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "connection ended");
        }
    });
    Ok((sender, driver))
}
