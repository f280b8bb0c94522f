//! Asks a part whether it is ready.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

/// How long a part may take to become ready.
const WAIT_MAX: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(50);
/// How long one question may take.
const PROBE_MAX: Duration = Duration::from_secs(5);

/// Asks again and again until the answer is good; the error is the last one.
pub(crate) async fn wait<T>(what: &str, mut probe: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    loop {
        let answer = timeout(PROBE_MAX, probe()).await.context("no answer").flatten();
        match answer {
            Ok(answer) => return Ok(answer),
            Err(error) if start.elapsed() > WAIT_MAX => {
                return Err(error.context(format!(
                    "{what} did not become ready within {} s",
                    WAIT_MAX.as_secs()
                )));
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
}

/// `GET path` at a port of this machine; anything but 200 is an error.
pub(crate) async fn http_ok(port: u16, path: &str) -> Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).await?;
    if head != *b"HTTP/1.1 200" {
        bail!("{path} answers {}", String::from_utf8_lossy(&head));
    }
    Ok(())
}

/// Whether a port of this machine takes connections.
pub(crate) async fn listens(port: u16) -> Result<()> {
    TcpStream::connect(("127.0.0.1", port)).await?;
    Ok(())
}
