//! A port for a client without a certificate of the mesh, such as a suite: what it sends goes to a
//! service with the certificate of the gateway.

use std::{net::SocketAddr, sync::Arc};

use mesh::tls::Tls;
use rustls::{ClientConfig, pki_types::ServerName};
use tests::service::tls_config;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsConnector;

use crate::Result;

/// Listens on a free port for connections to `localhost:PORT`, for the life of the runtime.
pub(crate) async fn open(port: u16) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let tls = Tls::load(&tls_config("gateway"))?;
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(forward(client, port, tls.client()));
        }
    });
    Ok(address)
}

async fn forward(mut client: TcpStream, port: u16, tls: Arc<ClientConfig>) -> Result<()> {
    let stream = TcpStream::connect(("localhost", port)).await?;
    let name = ServerName::try_from("localhost")?;
    let mut service = TlsConnector::from(tls).connect(name, stream).await?;
    copy_bidirectional(&mut client, &mut service).await?;
    Ok(())
}
