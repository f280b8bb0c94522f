//! A mail server that answers as a test says: what devstack's mailbox, which takes
//! every mail, cannot be asked to do.

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
};
use tokio_rustls::TlsAcceptor;

/// What the server answers to a line of a client.
pub enum Answer {
    /// What a server that takes every mail answers.
    Usual,
    /// This, and then it goes on.
    Say(&'static str),
    /// This, and then it closes the connection.
    SayAndClose(&'static str),
    /// Nothing.
    Silence,
}

/// Whether and when the server encrypts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    None,
    StartTls,
    Tls,
}

/// A mail that it took.
#[derive(Debug, Clone)]
pub struct Taken {
    pub recipient: String,
    pub text: String,
}

impl Taken {
    pub fn header(&self, name: &str) -> &str {
        let begin = format!("{name}: ");
        let line = self.text.split("\r\n").find(|line| line.starts_with(&begin));
        &line.unwrap_or_else(|| panic!("no {name} in {}", self.text))[begin.len()..]
    }
}

type Script = Arc<dyn Fn(&str) -> Answer + Send + Sync>;

#[derive(Clone)]
pub struct MailServer {
    port: u16,
    taken: Arc<Mutex<Vec<Taken>>>,
    said: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    /// Answers each line as `script` says: the commands, and `.` at the end of a mail.
    pub async fn start(script: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_with(0, Encryption::None, script).await
    }

    pub async fn start_with(
        port: u16,
        encryption: Encryption,
        script: impl Fn(&str) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let server = Self { port, taken: Arc::default(), said: Arc::default() };
        let (accepting, script): (_, Script) = (server.clone(), Arc::new(script));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (server, script) = (accepting.clone(), script.clone());
                tokio::spawn(async move { server.welcome(stream, encryption, &script).await });
            }
        });
        server
    }

    /// A port at which nothing answers yet.
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

    /// The mails that it took for `recipient`.
    pub fn taken_for(&self, recipient: &str) -> Vec<Taken> {
        let taken = self.taken.lock().unwrap();
        taken.iter().filter(|mail| mail.recipient == recipient).cloned().collect()
    }

    pub fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }

    /// How many lines it got that begin so.
    pub fn heard(&self, begin: &str) -> usize {
        self.said.lock().unwrap().iter().filter(|line| line.starts_with(begin)).count()
    }

    async fn welcome(&self, stream: TcpStream, encryption: Encryption, script: &Script) {
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
            let _ = self.talk(&mut BufReader::new(stream), true, script).await;
        }
    }

    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut BufReader<S>,
        encrypted: bool,
        script: &Script,
    ) -> std::io::Result<bool> {
        stream.write_all(b"220 test\r\n").await?;
        self.talk(stream, encrypted, script).await
    }

    /// True where the client asked for encryption.
    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
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
            self.said.lock().unwrap().push(line.clone());
            let usual = match line.split([' ', ':']).next().unwrap_or_default() {
                "EHLO" if encrypted => "250-test\r\n250-AUTH PLAIN\r\n250 8BITMIME",
                "EHLO" => "250-test\r\n250 STARTTLS",
                "AUTH" => "235 welcome",
                "DATA" => "354 go on",
                "STARTTLS" | "QUIT" => "220 test",
                _ => "250 fine",
            };
            let answer = match script(&line) {
                Answer::Usual => usual,
                Answer::Say(text) => text,
                Answer::SayAndClose(text) => {
                    return stream
                        .write_all(format!("{text}\r\n").as_bytes())
                        .await
                        .map(|()| false);
                }
                Answer::Silence => continue,
            };
            if let Some(address) = line.strip_prefix("RCPT TO:<") {
                recipient = address.trim_end_matches('>').to_owned();
            }
            match mail.take() {
                Some(text) if answer.starts_with("250") => {
                    let taken = Taken { recipient: recipient.clone(), text };
                    self.taken.lock().unwrap().push(taken);
                }
                _ => {}
            }
            if answer.starts_with("354") {
                mail = Some(String::new());
            }
            stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
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
        .expect("a key that fits");
    TlsAcceptor::from(Arc::new(config))
}
