//! TCP links between the processes. A fault breaks, slows or stalls a link.

use std::{io, net::Ipv4Addr, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::sleep,
};

/// How a link treats its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Bytes pass at once.
    Open,
    /// Connections are reset, and new ones too.
    Broken,
    /// Each chunk of bytes is delayed.
    Slow(Duration),
    /// Connections stay open and carry nothing, as behind a pulled cable.
    Stalled,
}

/// A link from one program to another, whatever the number of their replicas.
pub struct Link {
    /// `order-svc > product-svc`.
    pub name: String,
    /// The port that the calling program connects to.
    pub port: u16,
    condition: watch::Sender<Condition>,
}

impl Link {
    /// Starts a link to the replicas that listen at `ports`; each connection takes the next of them
    /// that accepts it.
    pub async fn start(name: String, ports: Vec<u16>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let (condition, conditions) = watch::channel(Condition::Open);
        tokio::spawn(accept(listener, ports, conditions));
        Ok(Self { name, port, condition })
    }

    /// Changes how the link treats all its connections.
    pub fn set(&self, condition: Condition) {
        self.condition.send_replace(condition);
    }
}

async fn accept(
    listener: TcpListener,
    mut ports: Vec<u16>,
    conditions: watch::Receiver<Condition>,
) {
    while let Ok((client, _)) = listener.accept().await {
        ports.rotate_left(1);
        tokio::spawn(carry(client, ports.clone(), conditions.clone()));
    }
}

/// Carries one connection until an end closes it or the link breaks.
async fn carry(client: TcpStream, ports: Vec<u16>, conditions: watch::Receiver<Condition>) {
    let mut breaks = conditions.clone();
    let broken = breaks.wait_for(|condition| *condition == Condition::Broken);
    let carried = async {
        let server = connect(&ports).await?;
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        // A closed socket with unread bytes is reset; without any, the linger time resets it.
        let _ = (client.set_zero_linger(), server.set_zero_linger());
        let (mut client_in, mut client_out) = tokio::io::split(client);
        let (mut server_in, mut server_out) = tokio::io::split(server);
        tokio::try_join!(
            copy(&mut client_in, &mut server_out, conditions.clone()),
            copy(&mut server_in, &mut client_out, conditions),
        )
    };
    tokio::select! {
        _ = broken => {}
        _ = carried => {}
    }
}

async fn connect(ports: &[u16]) -> io::Result<TcpStream> {
    let mut result = Err(io::ErrorKind::NotConnected.into());
    for port in ports {
        result = TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).await;
        if result.is_ok() {
            break;
        }
    }
    result
}

async fn copy(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    mut conditions: watch::Receiver<Condition>,
) -> io::Result<()> {
    let mut chunk = vec![0; 16 * 1024];
    loop {
        let length = from.read(&mut chunk).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        let flows = conditions.wait_for(|condition| *condition != Condition::Stalled).await;
        let condition = flows.map_or(Condition::Broken, |condition| *condition);
        if let Condition::Slow(delay) = condition {
            sleep(delay).await;
        }
        to.write_all(&chunk[..length]).await?;
    }
}
