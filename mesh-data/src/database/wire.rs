//! Observes the messages between this program and the server, for two facts that diesel does not
//! pass on: the SQLSTATE of an error, which [`Observed`] puts in front of the error's message, and
//! whether a connection has work in progress.
//!
//! Source: PostgreSQL, "Frontend/Backend Protocol", Message Formats.

use std::{
    convert::Infallible,
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering::SeqCst},
    },
    task::{Context, Poll, ready},
};

use diesel::connection::InstrumentationEvent;
use mesh::BoxError;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio_postgres::{
    Socket,
    config::SslMode,
    tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream},
};
use tokio_postgres_rustls::MakeRustlsConnect;

const READ_BYTES: usize = 16 << 10;
/// The message that asks the server for TLS.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
/// What the server knows of a prepared statement is no longer valid on this connection.
const STALE_STATEMENT: [&[u8]; 2] = [b"0A000", b"26000"];

/// What a connection does at the moment.
#[derive(Debug, Default)]
pub(super) struct Activity {
    /// Statements that diesel has begun and not finished, whether sent or not.
    statements: AtomicI64,
    /// Requests sent that the server has not completed.
    requests: AtomicI64,
    in_transaction: AtomicBool,
    has_stale_statement: AtomicBool,
    closed: AtomicBool,
}

impl Activity {
    /// Records an event of diesel.
    pub(super) fn record(&self, event: &InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => self.statements.fetch_add(1, SeqCst),
            InstrumentationEvent::FinishQuery { .. } => self.finish_statement(),
            _ => 0,
        };
    }

    /// Records the end of a statement that diesel does not report.
    pub(super) fn finish_statement(&self) -> i64 {
        self.statements.fetch_sub(1, SeqCst)
    }

    /// Returns whether the next user gets the connection as a new one: no statement, no
    /// transaction, no prepared statement that the server rejects.
    pub(super) fn is_reusable(&self) -> bool {
        self.statements.load(SeqCst) == 0
            && self.requests.load(SeqCst) == 0
            && !self.in_transaction.load(SeqCst)
            && !self.has_stale_statement.load(SeqCst)
            && !self.is_closed()
    }

    /// Returns whether the connection has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(SeqCst)
    }
}

/// Connects to the server with TLS or without, as the URL says, and observes the connection. For
/// tokio-postgres it is a kind of TLS, which is the only way to get between it and the socket.
#[derive(Clone)]
pub(super) struct Observer {
    pub(super) tls: MakeRustlsConnect,
    pub(super) mode: SslMode,
    pub(super) activity: Arc<Activity>,
}

type Rustls = <MakeRustlsConnect as MakeTlsConnect<Socket>>::TlsConnect;
type RustlsStream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// An [`Observer`] of a connection to a certain host.
pub(super) struct HostObserver {
    tls: Rustls,
    mode: SslMode,
    activity: Arc<Activity>,
}

impl MakeTlsConnect<Socket> for Observer {
    type Stream = Observed<Transport>;
    type TlsConnect = HostObserver;
    type Error = Infallible;

    fn make_tls_connect(&mut self, host: &str) -> Result<HostObserver, Infallible> {
        let tls = MakeTlsConnect::<Socket>::make_tls_connect(&mut self.tls, host)?;
        Ok(HostObserver { tls, mode: self.mode, activity: self.activity.clone() })
    }
}

impl TlsConnect<Socket> for HostObserver {
    type Stream = Observed<Transport>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Stream, BoxError>> + Send>>;

    fn connect(self, mut socket: Socket) -> Self::Future {
        Box::pin(async move {
            let transport = if self.mode != SslMode::Disable && offers_tls(&mut socket).await? {
                Transport::Tls(Box::new(self.tls.connect(socket).await?))
            } else if self.mode == SslMode::Require {
                return Err("the server does not support TLS".into());
            } else {
                Transport::Plain(socket)
            };
            Ok(Observed::new(transport, self.activity))
        })
    }
}

async fn offers_tls(socket: &mut Socket) -> io::Result<bool> {
    socket.write_all(&SSL_REQUEST).await?;
    Ok(socket.read_u8().await? == b'S')
}

/// The connection below the protocol.
pub(super) enum Transport {
    Plain(Socket),
    Tls(Box<RustlsStream>),
}

trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

impl Transport {
    fn stream(&mut self) -> Pin<&mut dyn Stream> {
        match self {
            Self::Plain(stream) => Pin::new(stream),
            Self::Tls(stream) => Pin::new(&mut **stream),
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.get_mut().stream().poll_read(cx, buffer)
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().stream().poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().stream().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().stream().poll_shutdown(cx)
    }
}

/// A stream of protocol messages that records their effect on the connection.
pub(super) struct Observed<T> {
    transport: T,
    activity: Arc<Activity>,
    sent: SentMessages,
    /// Bytes of the server's next message.
    received: Vec<u8>,
    /// Whole messages for tokio-postgres, of which it has taken the first `taken` bytes.
    messages: Vec<u8>,
    taken: usize,
}

impl<T> Observed<T> {
    fn new(transport: T, activity: Arc<Activity>) -> Self {
        // The server completes the start of the session like a request.
        activity.requests.store(1, SeqCst);
        let (received, messages) = (Vec::new(), Vec::new());
        let sent = SentMessages::default();
        Self { transport, activity, sent, received, messages, taken: 0 }
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
        let mut end = 0;
        while let Some(message) = first_message(&self.received[end..]) {
            end += message.len();
            match message {
                [b'E', _, _, _, _, fields @ ..] => {
                    let code = field(fields, b'C').unwrap_or_default();
                    if STALE_STATEMENT.contains(&code) {
                        self.activity.has_stale_statement.store(true, SeqCst);
                    }
                    push_with_code(&mut self.messages, fields, code);
                    continue;
                }
                [b'Z', _, _, _, _, status] => {
                    self.activity.in_transaction.store(*status != b'I', SeqCst);
                    self.activity.requests.fetch_sub(1, SeqCst);
                }
                _ => {}
            }
            self.messages.extend_from_slice(message);
        }
        self.received.drain(..end);
    }
}

/// Returns the first message of `bytes`, if it is complete: a type, a length that includes itself,
/// and a body.
fn first_message(bytes: &[u8]) -> Option<&[u8]> {
    let length = bytes.get(1..)?.first_chunk()?;
    bytes.get(..1 + u32::from_be_bytes(*length) as usize)
}

/// Splits the body of an error into its fields: a type and a text each, as far as a zero byte.
fn fields(body: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    body.split(|byte| *byte == 0)
        .filter_map(|field| field.split_first())
        .map(|(t, text)| (*t, text))
}

fn field(body: &[u8], wanted: u8) -> Option<&[u8]> {
    fields(body).find(|(field, _)| *field == wanted).map(|(_, text)| text)
}

/// Appends an error whose message begins with its SQLSTATE.
fn push_with_code(messages: &mut Vec<u8>, body: &[u8], code: &[u8]) {
    let mut new_body = Vec::with_capacity(body.len() + code.len() + 2);
    for (field, text) in fields(body) {
        new_body.push(field);
        if field == b'M' {
            new_body.extend_from_slice(code);
            new_body.extend_from_slice(b": ");
        }
        new_body.extend_from_slice(text);
        new_body.push(0);
    }
    new_body.push(0);
    messages.push(b'E');
    messages.extend_from_slice(&(new_body.len() as u32 + 4).to_be_bytes());
    messages.append(&mut new_body);
}

/// Counts the requests in what is sent.
#[derive(Default)]
struct SentMessages {
    /// The first message of a connection has no type.
    started: bool,
    /// Type and length of the current message, as far as they are known.
    header: Vec<u8>,
    body_left: usize,
}

impl SentMessages {
    /// Returns how many requests of `bytes` the server completes with ReadyForQuery.
    fn count_requests(&mut self, mut bytes: &[u8]) -> i64 {
        let mut count = 0;
        loop {
            let body = self.body_left.min(bytes.len());
            self.body_left -= body;
            bytes = &bytes[body..];
            let Some((byte, rest)) = bytes.split_first() else {
                return count;
            };
            self.header.push(*byte);
            bytes = rest;
            let header_length = if self.started { 5 } else { 4 };
            if self.header.len() < header_length {
                continue;
            }
            if self.started && matches!(self.header[0], b'Q' | b'S') {
                count += 1;
            }
            let length = self.header.last_chunk().map_or(4, |bytes| u32::from_be_bytes(*bytes));
            self.body_left = (length as usize).saturating_sub(4);
            self.started = true;
            self.header.clear();
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Observed<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.taken == this.messages.len() {
            this.messages.clear();
            this.taken = 0;
            let mut bytes = [0; READ_BYTES];
            let mut read = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut this.transport).poll_read(cx, &mut read))?;
            if read.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.receive(read.filled());
        }
        let rest = &this.messages[this.taken..];
        let count = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..count]);
        this.taken += count;
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Observed<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.transport).poll_write(cx, bytes))?;
        let requests = this.sent.count_requests(&bytes[..written]);
        this.activity.requests.fetch_add(requests, SeqCst);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().transport).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().transport).poll_shutdown(cx)
    }
}

impl<T> Drop for Observed<T> {
    fn drop(&mut self) {
        self.activity.closed.store(true, SeqCst);
    }
}

impl TlsStream for Observed<Transport> {
    fn channel_binding(&self) -> ChannelBinding {
        match &self.transport {
            Transport::Plain(_) => ChannelBinding::none(),
            Transport::Tls(stream) => stream.channel_binding(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test ends where it fails")]
mod tests;
