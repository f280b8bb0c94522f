//! SMTP: the mail server, a connection to it, and its reply about one mail. Knows nothing of
//! notifications.
//!
//! **Invariant:** a connection is reused only after a mail that the server accepted. After a
//! rejection, an error or a timeout it is closed, so that the reply about one mail is never
//! taken for the reply about the next.

use std::{
    fmt, fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use lettre::{
    Address,
    transport::smtp::{
        Error,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::{ClientId, Extension, MailParameter},
        response::Response,
    },
};
use mesh::{BoxError, admin::Readiness};
use percent_encoding::percent_decode_str;
use secrecy::ExposeSecret;
use tokio::time::timeout;
use url::Url;

use crate::{
    config::SmtpConfig,
    delivery::{Reply, Step},
};

const QUIT_TIMEOUT: Duration = Duration::from_secs(2);

/// The mail server of the settings. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Server {
    host: String,
    port: u16,
    security: Security,
    credentials: Option<Credentials>,
    hello: ClientId,
    timeouts: Timeouts,
    state: ServerState,
}

#[derive(Clone, Copy)]
struct Timeouts {
    /// Of connecting, and of a mail up to its final dot.
    dialogue: Duration,
    /// Of the reply after the final dot.
    dot: Duration,
}

#[derive(Clone)]
enum Security {
    Plain,
    StartTls(TlsParameters),
    Tls(TlsParameters),
}

/// Whether the mail server replied at the last contact, whatever its reply. Cheap to clone.
#[derive(Clone)]
struct ServerState(Arc<AtomicBool>);

impl ServerState {
    fn new() -> Self {
        let state = Self(Arc::default());
        state.set_down(false);
        state
    }

    fn set_down(&self, down: bool) {
        self.0.store(down, Ordering::Relaxed);
        metrics::gauge!("smtp_up").set(if down { 0.0 } else { 1.0 });
    }
}

/// A failure that says nothing about the mail.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransportError {
    /// No connection, a timeout, or a server that does not speak SMTP.
    #[error("{0}")]
    NoReply(String),
    /// A reply about the sender. Without its text, which may contain the recipient: this is logged.
    #[error("{0}")]
    AboutSender(String),
}

impl TransportError {
    /// The process shuts down before the server replies.
    pub(crate) fn shutdown() -> Self {
        Self::NoReply("the process shuts down".to_owned())
    }

    fn timeout() -> Self {
        Self::NoReply("the mail server did not respond in time".to_owned())
    }

    fn about_sender(step: Step, reply: &Reply) -> Self {
        Self::AboutSender(format!("the mail server replied {} to {step}", reply.kind()))
    }
}

/// The end of an SMTP command that the server did not accept.
enum CommandError {
    Rejected(Reply),
    Transport(TransportError),
}

impl From<Error> for CommandError {
    fn from(error: Error) -> Self {
        match error.status() {
            Some(code) => {
                let text = std::error::Error::source(&error).map(ToString::to_string);
                Self::Rejected(Reply::new(code.into(), &text.unwrap_or_default()))
            }
            None => Self::Transport(TransportError::NoReply(error.to_string())),
        }
    }
}

impl CommandError {
    /// Returns the reply if it is about the mail.
    fn about_mail(self, step: Step) -> Result<Reply, TransportError> {
        match self {
            Self::Rejected(reply) if reply.kind().is_about_sender(step) => {
                Err(TransportError::about_sender(step, &reply))
            }
            Self::Rejected(reply) => Ok(reply),
            Self::Transport(error) => Err(error),
        }
    }
}

/// How the sending of one mail ended.
pub(crate) enum SendResult {
    /// The server accepted the mail. The connection can be reused.
    Accepted(Reply, Connection),
    /// The server rejected the mail.
    Rejected(Reply),
    /// The server did not reply about the mail.
    Failed(TransportError),
    /// The server did not reply after the final dot: it may have accepted the mail.
    Unknown(TransportError),
}

/// A composed mail with its envelope.
pub(crate) struct Message {
    pub(crate) from: Address,
    pub(crate) to: Address,
    /// Headers and body, in ASCII with CRLF line ends.
    pub(crate) text: String,
}

impl Server {
    /// Reads `smtp://`, `smtp+starttls://` (or `smtp://…?tls=required`) and `smtps://`.
    /// `domain` is the name of this client in EHLO.
    ///
    /// # Errors
    /// Another URL, described without its password, or an unreadable certificate file.
    pub(crate) fn new(config: &SmtpConfig, domain: &str) -> Result<Self, BoxError> {
        let url = Url::parse(config.smtp_url.expose_secret())
            .map_err(|error| format!("SMTP_URL: {error}"))?;
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or("SMTP_URL: must name a host")?.to_owned();
        let tls = || -> Result<TlsParameters, BoxError> {
            let mut tls = TlsParameters::builder(host.clone());
            if let Some(file) = &config.smtp_ca_file {
                let pem = fs::read(file).map_err(|e| format!("{}: {e}", file.display()))?;
                tls = tls.add_root_certificate(Certificate::from_pem(&pem)?);
            }
            Ok(tls.build()?)
        };
        let must_encrypt =
            url.query_pairs().any(|(key, value)| (&*key, &*value) == ("tls", "required"));
        let (security, port) = match url.scheme() {
            "smtps" => (Security::Tls(tls()?), 465),
            "smtp+starttls" => (Security::StartTls(tls()?), 587),
            "smtp" if must_encrypt => (Security::StartTls(tls()?), 587),
            "smtp" if url.query().is_none() => (Security::Plain, 25),
            _ => return Err("SMTP_URL: must be smtp://, smtp+starttls:// or smtps://".into()),
        };
        let credentials = match url.password() {
            None => None,
            Some(password) => {
                let user = percent_decode_str(url.username()).decode_utf8()?.into_owned();
                let password = percent_decode_str(password).decode_utf8()?.into_owned();
                Some(Credentials::new(user, password))
            }
        };
        if credentials.is_some() && matches!(security, Security::Plain) {
            tracing::warn!("the password of the mail server is sent unencrypted");
        }
        Ok(Self {
            port: url.port().unwrap_or(port),
            host,
            security,
            credentials,
            hello: ClientId::Domain(domain.to_owned()),
            timeouts: Timeouts {
                dialogue: config.smtp_seconds_max,
                dot: config.smtp_dot_seconds_max,
            },
            state: ServerState::new(),
        })
    }

    /// Connects, encrypts and authenticates as configured.
    pub(crate) async fn connect(&self) -> Result<Connection, TransportError> {
        let connected = match timeout(self.timeouts.dialogue, self.try_connect()).await {
            Ok(connected) => connected.map_err(|error| match CommandError::from(error) {
                CommandError::Rejected(reply) => {
                    TransportError::about_sender(Step::Connect, &reply)
                }
                CommandError::Transport(error) => error,
            }),
            Err(_) => Err(TransportError::timeout()),
        };
        self.state.set_down(matches!(connected, Err(TransportError::NoReply(_))));
        let (timeouts, state) = (self.timeouts, self.state.clone());
        connected.map(|connection| Connection { connection, timeouts, state })
    }

    async fn try_connect(&self) -> Result<Box<AsyncSmtpConnection>, Error> {
        let tls = match &self.security {
            Security::Tls(tls) => Some(tls.clone()),
            Security::Plain | Security::StartTls(_) => None,
        };
        let address = (self.host.trim_matches(['[', ']']), self.port);
        let time_max = Some(self.timeouts.dialogue);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(address, time_max, &self.hello, tls, None).await?;
        if let Security::StartTls(tls) = &self.security {
            connection.starttls(tls.clone(), &self.hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials).await?;
        }
        Ok(Box::new(connection))
    }

    /// Adds the state of the mail server to `readiness` as an informational check.
    #[must_use]
    pub(crate) fn report_to(&self, readiness: Readiness) -> Readiness {
        let state = self.state.clone();
        readiness.report("smtp", move || {
            let is_down = state.0.load(Ordering::Relaxed);
            std::future::ready(if is_down {
                Err("no mail server responds; mails remain pending".into())
            } else {
                Ok(())
            })
        })
    }
}

/// A connection to the mail server on which a mail can be sent.
pub(crate) struct Connection {
    connection: Box<AsyncSmtpConnection>,
    timeouts: Timeouts,
    state: ServerState,
}

impl Connection {
    /// Sends one mail, in bounded time. Sets `is_sent` when it begins to send the message, at
    /// whose end is the final dot.
    pub(crate) async fn send(mut self, message: &Message, is_sent: &AtomicBool) -> SendResult {
        match timeout(self.timeouts.dialogue, self.begin(message)).await {
            Ok(Ok(None)) => {}
            Ok(Ok(Some(reply))) => return self.reject(reply),
            Ok(Err(error)) => return self.fail(error),
            Err(_) => return self.fail(TransportError::timeout()),
        }
        is_sent.store(true, Ordering::Relaxed);
        match timeout(self.timeouts.dot, self.execute(Body(&message.text))).await {
            Ok(Ok(reply)) if reply.code == 250 => SendResult::Accepted(reply, self),
            Ok(Ok(reply)) => self.reject(reply),
            Ok(Err(CommandError::Transport(error))) => self.lose(error),
            Ok(Err(rejected)) => match rejected.about_mail(Step::Message) {
                Ok(reply) => self.reject(reply),
                Err(error) => self.fail(error),
            },
            Err(_) => self.lose(TransportError::timeout()),
        }
    }

    fn reject(self, reply: Reply) -> SendResult {
        tokio::spawn(self.quit());
        SendResult::Rejected(reply)
    }

    fn fail(self, error: TransportError) -> SendResult {
        self.state.set_down(matches!(error, TransportError::NoReply(_)));
        SendResult::Failed(error)
    }

    fn lose(self, error: TransportError) -> SendResult {
        self.state.set_down(true);
        SendResult::Unknown(error)
    }

    /// Executes the commands before the message. Returns the reply that rejects the mail, if any.
    async fn begin(&mut self, message: &Message) -> Result<Option<Reply>, TransportError> {
        let Message { from, to, .. } = message;
        let mut parameters = Vec::new();
        // The domains are in ASCII.
        if !from.user().is_ascii() || !to.user().is_ascii() {
            if !self.connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                let text =
                    "the mail server requires ASCII before the @ of an address (no SMTPUTF8)";
                return Ok(Some(Reply::new(0, text)));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        // A server that rejects this parameter rejects the recipient's address, not the sender.
        let mail_step = if parameters.is_empty() { Step::Mail } else { Step::Recipient };
        let mail = Mail::new(Some(from.clone()), parameters).to_string();
        let recipient = Rcpt::new(to.clone(), Vec::new()).to_string();
        for (step, command, expected) in [
            (mail_step, mail, &[250][..]),
            (Step::Recipient, recipient, &[250, 251]),
            (Step::Data, Data.to_string(), &[354]),
        ] {
            match self.execute(command).await {
                Ok(reply) if expected.contains(&reply.code) => {}
                Ok(reply) => {
                    let text = format!("{} is not a valid reply to {step}", reply.code);
                    return Err(TransportError::NoReply(text));
                }
                Err(error) => return error.about_mail(step).map(Some),
            }
        }
        Ok(None)
    }

    /// Executes one command and returns the positive reply.
    async fn execute(&mut self, command: impl fmt::Display) -> Result<Reply, CommandError> {
        Ok(self.connection.command(command).await.map(|response| reply(&response))?)
    }

    pub(crate) async fn quit(mut self) {
        let _ = timeout(QUIT_TIMEOUT, self.connection.quit()).await;
    }
}

fn reply(response: &Response) -> Reply {
    let lines: Vec<_> = response.message().collect();
    Reply::new(response.code().into(), &lines.join(" "))
}

/// A mail as it is sent after DATA, in one write with its end. lettre's own `message`
/// writes the end separately, which Nagle's algorithm delays until the server's delayed
/// acknowledgement: 40 ms a mail.
struct Body<'a>(&'a str);

/// Adds a dot to each line that begins with one. Source: RFC 5321, 4.5.2.
impl fmt::Display for Body<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.0.strip_suffix("\r\n").unwrap_or(self.0).split("\r\n") {
            let dot = if line.starts_with('.') { "." } else { "" };
            write!(f, "{dot}{line}\r\n")?;
        }
        f.write_str(".\r\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str) -> Result<Server, BoxError> {
        let config = SmtpConfig {
            smtp_url: url.to_owned().into(),
            smtp_ca_file: None,
            smtp_seconds_max: Duration::from_secs(1),
            smtp_dot_seconds_max: Duration::from_secs(1),
        };
        Server::new(&config, "shop.example")
    }

    #[test]
    fn a_url_selects_the_server_its_encryption_and_its_authentication() {
        for (url, host, port, security, authenticates) in [
            ("smtp://mail.example", "mail.example", 25, "plain", false),
            ("smtp://127.0.0.1:1025", "127.0.0.1", 1025, "plain", false),
            ("smtp://u:p@mail.example?tls=required", "mail.example", 587, "starttls", true),
            ("smtp+starttls://u:p%40@mail.example:25", "mail.example", 25, "starttls", true),
            ("smtps://mail.example", "mail.example", 465, "tls", false),
        ] {
            let server = server(url).unwrap_or_else(|error| panic!("{url}: {error}"));
            let how = match server.security {
                Security::Plain => "plain",
                Security::StartTls(_) => "starttls",
                Security::Tls(_) => "tls",
            };
            let read = (&*server.host, server.port, how, server.credentials.is_some());
            assert_eq!(read, (host, port, security, authenticates), "{url}");
        }
    }

    #[test]
    fn the_error_of_a_bad_url_does_not_contain_the_password() {
        for url in ["imap://u:secret@mail.example", "smtp://u:secret@", "smtp://u:secret@h?tls=x"] {
            let error = server(url).err().expect("the URL is bad").to_string();
            assert!(error.starts_with("SMTP_URL: ") && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn no_line_of_a_mail_ends_the_mail() {
        for (text, sent) in [
            ("a\r\n", "a\r\n.\r\n"),
            ("a", "a\r\n.\r\n"),
            (".\r\n..b\r\n", "..\r\n...b\r\n.\r\n"),
            ("a\r\n.\r\nQUIT\r\n", "a\r\n..\r\nQUIT\r\n.\r\n"),
        ] {
            assert_eq!(Body(text).to_string(), sent);
        }
    }
}
