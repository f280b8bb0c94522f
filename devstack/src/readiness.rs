//! Readiness probes.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

/// How long a part may take to become ready.
const WAIT_MAX: Duration = Duration::from_secs(120);
const PROBE_INTERVAL: Duration = Duration::from_millis(50);
const PROBE_DURATION_MAX: Duration = Duration::from_secs(5);

/// Repeats `probe` until it succeeds. After [`WAIT_MAX`] it fails with the last error.
pub(crate) async fn wait<T>(what: &str, mut probe: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    loop {
        let result = timeout(PROBE_DURATION_MAX, probe()).await.context("no response").flatten();
        match result {
            Ok(value) => return Ok(value),
            Err(error) if start.elapsed() > WAIT_MAX => {
                return Err(error.context(format!(
                    "{what} did not become ready within {} s",
                    WAIT_MAX.as_secs()
                )));
            }
            Err(_) => sleep(PROBE_INTERVAL).await,
        }
    }
}

/// Sends `GET path` to a port of this machine; any response but 200 is an error.
pub(crate) async fn http_ok(port: u16, path: &str) -> Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).await?;
    if head != *b"HTTP/1.1 200" {
        bail!("{path} responds {}", String::from_utf8_lossy(&head));
    }
    Ok(())
}

/// Connects to a port of this machine.
pub(crate) async fn accepts_connections(port: u16) -> Result<()> {
    TcpStream::connect(("127.0.0.1", port)).await?;
    Ok(())
}
