//! A mail server that replies as a test requires. devstack's mailbox accepts every mail.

use std::{
    fs,
    sync::{Arc, Mutex},
};

use devstack::testing::Env;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_rustls::TlsAcceptor;

/// How the server responds to a line of a client.
pub enum Response {
    /// Like a server that accepts every mail.
    Usual,
    /// With this reply.
    Reply(&'static str),
    /// With this reply, after which it closes the connection.
    ReplyAndClose(&'static str),
    /// Not at all.
    Silence,
    /// By closing the connection.
    Close,
    /// As usual, once this is true.
    Once(watch::Receiver<bool>),
}

/// Whether and when the server encrypts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    None,
    StartTls,
    Tls,
}

/// An accepted mail.
#[derive(Debug, Clone)]
pub struct AcceptedMail {
    pub recipient: String,
    pub text: String,
}

impl AcceptedMail {
    pub fn header(&self, name: &str) -> &str {
        let begin = format!("{name}: ");
        let line = self.text.split("\r\n").find(|line| line.starts_with(&begin));
        &line.unwrap_or_else(|| panic!("no {name} in {}", self.text))[begin.len()..]
    }
}

/// What a script receives instead of a line when a client connects.
pub const CONNECT: &str = "CONNECT";

type Script = Arc<dyn Fn(&str) -> Response + Send + Sync>;

#[derive(Clone)]
pub struct MailServer {
    port: u16,
    accepted: Arc<Mutex<Vec<AcceptedMail>>>,
    lines: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    /// Starts a server. `script` returns the response to each line: to [`CONNECT`] at the beginning
    /// of a connection, to the commands, and to `.` at the end of a mail.
    pub async fn start(script: impl Fn(&str) -> Response + Send + Sync + 'static) -> Self {
        Self::start_with(0, Encryption::None, script).await
    }

    pub async fn start_with(
        port: u16,
        encryption: Encryption,
        script: impl Fn(&str) -> Response + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let server = Self { port, accepted: Arc::default(), lines: Arc::default() };
        let (accepting, script): (_, Script) = (server.clone(), Arc::new(script));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (server, script) = (accepting.clone(), script.clone());
                tokio::spawn(async move { server.accept(stream, encryption, &script).await });
            }
        });
        server
    }

    /// Returns a port where nothing listens yet.
    pub async fn free_port() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        listener.local_addr().expect("it is bound").port()
    }

    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the accepted mails to `recipient`.
    pub fn accepted_for(&self, recipient: &str) -> Vec<AcceptedMail> {
        let accepted = self.accepted.lock().unwrap();
        accepted.iter().filter(|mail| mail.recipient == recipient).cloned().collect()
    }

    pub fn accepted(&self) -> Vec<AcceptedMail> {
        self.accepted.lock().unwrap().clone()
    }

    /// Returns the number of lines that it received with this prefix.
    pub fn count(&self, prefix: &str) -> usize {
        self.lines.lock().unwrap().iter().filter(|line| line.starts_with(prefix)).count()
    }

    async fn accept(&self, stream: TcpStream, encryption: Encryption, script: &Script) {
        let _ = stream.set_nodelay(true);
        if encryption == Encryption::Tls {
            if let Ok(stream) = acceptor().accept(stream).await {
                let _ = self.serve(&mut BufReader::new(stream), true, script).await;
            }
            return;
        }
        let mut stream = BufReader::new(stream);
        let upgrade = self.serve(&mut stream, encryption == Encryption::None, script).await;
        if upgrade.unwrap_or(false)
            && let Ok(stream) = acceptor().accept(stream.into_inner()).await
        {
            let _ = self.converse(&mut BufReader::new(stream), true, script).await;
        }
    }

    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut BufReader<S>,
        encrypted: bool,
        script: &Script,
    ) -> std::io::Result<bool> {
        match script(CONNECT) {
            Response::Reply(text) => stream.write_all(format!("{text}\r\n").as_bytes()).await?,
            Response::Close => return Ok(false),
            Response::Silence => {}
            _ => stream.write_all(b"220 test\r\n").await?,
        }
        self.converse(stream, encrypted, script).await
    }

    /// Returns true if the client starts encryption.
    async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut BufReader<S>,
        encrypted: bool,
        script: &Script,
    ) -> std::io::Result<bool> {
        let (mut recipient, mut mail) = (String::new(), None::<String>);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(false);
            }
            let line = line.trim_end_matches("\r\n").to_owned();
            if let Some(text) = mail.as_mut().filter(|_| line != ".") {
                text.push_str(line.strip_prefix('.').unwrap_or(&line));
                text.push_str("\r\n");
                continue;
            }
            self.lines.lock().unwrap().push(line.clone());
            let usual = match line.split([' ', ':']).next().unwrap_or_default() {
                "EHLO" if encrypted => "250-test\r\n250-AUTH PLAIN\r\n250 8BITMIME",
                "EHLO" => "250-test\r\n250 STARTTLS",
                "AUTH" => "235 ok",
                "DATA" => "354 continue",
                "STARTTLS" | "QUIT" => "220 test",
                _ => "250 ok",
            };
            let reply = match script(&line) {
                Response::Usual => usual,
                Response::Reply(text) => text,
                Response::ReplyAndClose(text) => {
                    return stream
                        .write_all(format!("{text}\r\n").as_bytes())
                        .await
                        .map(|()| false);
                }
                Response::Silence => continue,
                Response::Close => return Ok(false),
                Response::Once(mut gate) => {
                    let _ = gate.wait_for(|is_open| *is_open).await;
                    usual
                }
            };
            if let Some(address) = line.strip_prefix("RCPT TO:<") {
                recipient = address.trim_end_matches('>').to_owned();
            }
            match mail.take() {
                Some(text) if reply.starts_with("250") => {
                    let accepted = AcceptedMail { recipient: recipient.clone(), text };
                    self.accepted.lock().unwrap().push(accepted);
                }
                _ => {}
            }
            if reply.starts_with("354") {
                mail = Some(String::new());
            }
            stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
            match line.as_str() {
                "STARTTLS" => return Ok(true),
                "QUIT" => return Ok(false),
                _ => {}
            }
        }
    }
}

fn acceptor() -> TlsAcceptor {
    let file = |name: &str| fs::read(Env::from_env().tls_dir().join(name)).expect("certificates");
    let chain = file("gateway.pem");
    let chain = CertificateDer::pem_slice_iter(&chain).collect::<Result<_, _>>().expect("PEM");
    let key = PrivateKeyDer::from_pem_slice(&file("gateway-key.pem")).expect("PEM");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a matching key");
    TlsAcceptor::from(Arc::new(config))
}
