//! The gateway as a process of its own, whose memory is measured.

use std::{
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tonic::Code;

use super::{
    DESCRIPTORS,
    client::{Connection, frame, from, web},
    until,
    upstream::Upstream,
};

const SAY: &str = "/shop.echo.v1.Echo/Say";
pub const MIB: usize = 1 << 20;
/// How much the memory of a gateway may grow during an attack.
const GROWTH_MAX: usize = 64 * MIB;

/// The gateway as a process.
pub struct Program {
    child: Child,
    pub address: SocketAddr,
    pub upstream: Upstream,
}

impl Program {
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        let upstream = Upstream::start().await;
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_gateway"))
            .arg(format!("--upstreams=shop.echo.v1=http://{}", upstream.address))
            .arg(format!("--descriptor-set={}", DESCRIPTORS.1.display()))
            .arg(format!("--listen-address={address}"))
            .arg("--admin-address=127.0.0.1:0")
            .args(settings.iter().map(|(name, value)| format!("--{name}={value}")))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let program = Self { child, address, upstream };
        until(async || TcpStream::connect(address).await.is_ok()).await;
        program.serves_another_client().await;
        program
    }

    /// Returns the most memory that the process has had, in bytes.
    pub fn memory_peak(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() << 10
    }

    /// Calls as a client at another address.
    pub async fn serves_another_client(&self) {
        let mut other = Connection::http2_over(from("127.0.0.2", self.address).await).await;
        let response = other.exchange(web(SAY), frame(b"hello")).await;
        assert_eq!(response.outcome(), (Code::Ok, String::new()));
    }

    pub fn assert_grown_little(&self, before: usize, attack: &str) {
        let grown = self.memory_peak() - before;
        assert!(grown <= GROWTH_MAX, "{attack}: {} MiB", grown / MIB);
    }

    /// Opens an HTTP/2 connection whose window stays closed.
    pub async fn without_window(&self) -> http2::SendRequest<Empty<Bytes>> {
        self.with_window(0).await
    }

    /// Opens an HTTP/2 connection on which each response may send `bytes` bytes.
    pub async fn with_window(&self, bytes: u32) -> http2::SendRequest<Empty<Bytes>> {
        let stream = TokioIo::new(TcpStream::connect(self.address).await.unwrap());
        let mut client = http2::Builder::new(TokioExecutor::new());
        let handshake = client.initial_stream_window_size(bytes).handshake(stream);
        let (sender, connection) = handshake.await.unwrap();
        tokio::spawn(connection);
        sender
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
