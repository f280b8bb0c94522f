//! The mail server: where it is, a connection to it, and what it answers about one
//! mail. Knows nothing of notifications.
//!
//! **Invariant:** a connection lives on only after a mail that it accepted. After a
//! refusal, an error or a time-out it is gone, so that no answer to one mail can ever
//! be read as that to the next.

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

use crate::{config::SmtpConfig, notification::Reply};

/// How long a farewell may take.
const QUIT_TIMEOUT: Duration = Duration::from_secs(2);

/// "Service not available, closing transmission channel": says nothing of the mail.
const CLOSING: u16 = 421;
/// "Authentication required": what we are, not what the mail is.
const LOG_IN_FIRST: u16 = 530;

/// The mail server of the settings. Cheap to clone.
#[derive(Clone)]
pub struct Server {
    host: String,
    port: u16,
    security: Security,
    credentials: Option<Credentials>,
    hello: ClientId,
    time_max: Duration,
    state: ServerState,
}

#[derive(Clone)]
enum Security {
    Plain,
    StartTls(TlsParameters),
    Tls(TlsParameters),
}

/// Whether the mail server was there when it was last spoken to. Cheap to clone.
#[derive(Clone)]
pub struct ServerState(Arc<AtomicBool>);

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

/// No answer about a mail: no connection, a time-out, a server that is closing, or
/// one that does not speak SMTP.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CutOff(String);

impl CutOff {
    /// The process ends before the answer came.
    pub fn process_ends() -> Self {
        Self("the process is to end".to_owned())
    }

    fn timed_out() -> Self {
        Self("the mail server did not answer in time".to_owned())
    }
}

impl From<Error> for CutOff {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

/// What came of sending one mail.
pub enum Sending {
    /// The server took it; the connection is good for more.
    Accepted(Reply, Connection),
    /// The server answered something else about it.
    Refused(Reply),
    /// The server gave no answer about it.
    CutOff(CutOff),
}

/// An envelope and what is in it, all ASCII.
pub struct Message {
    /// Who it is from.
    pub from: Address,
    /// Where it goes.
    pub to: Address,
    /// Headers and body, with CRLF line ends.
    pub text: String,
}

impl Server {
    /// Reads `smtp://`, `smtp+starttls://` (or `smtp://…?tls=required`) and `smtps://`.
    /// `domain` is how we introduce ourselves.
    ///
    /// # Errors
    /// A URL that is none of these, without the secrets in it, or an authority that
    /// cannot be read.
    pub fn new(config: &SmtpConfig, domain: &str) -> Result<Self, BoxError> {
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
            tracing::warn!("the mail server's password goes unencrypted");
        }
        Ok(Self {
            port: url.port().unwrap_or(port),
            host,
            security,
            credentials,
            hello: ClientId::Domain(domain.to_owned()),
            time_max: config.smtp_seconds_max,
            state: ServerState::new(),
        })
    }

    /// A new connection, encrypted and logged in as the settings say.
    ///
    /// # Errors
    /// Whatever went wrong: it says nothing of any mail.
    pub async fn connect(&self) -> Result<Connection, CutOff> {
        let connected = match timeout(self.time_max, self.try_connect()).await {
            Ok(connected) => connected.map_err(CutOff::from),
            Err(_) => Err(CutOff::timed_out()),
        };
        self.state.set_down(connected.is_err());
        let (time_max, state) = (self.time_max, self.state.clone());
        connected.map(|connection| Connection { connection, time_max, state })
    }

    async fn try_connect(&self) -> Result<Box<AsyncSmtpConnection>, Error> {
        let tls = match &self.security {
            Security::Tls(tls) => Some(tls.clone()),
            Security::Plain | Security::StartTls(_) => None,
        };
        let address = (self.host.trim_matches(['[', ']']), self.port);
        let time_max = Some(self.time_max);
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

    /// Tells, with all else, whether the mail server is there.
    #[must_use]
    pub fn report_to(&self, readiness: Readiness) -> Readiness {
        let state = self.state.clone();
        readiness.report("smtp", move || {
            let down = state.0.load(Ordering::Relaxed);
            std::future::ready(match down {
                true => Err("no mail server answers; mails wait".into()),
                false => Ok(()),
            })
        })
    }
}

/// A connection to the mail server, ready for a mail.
pub struct Connection {
    connection: Box<AsyncSmtpConnection>,
    time_max: Duration,
    state: ServerState,
}

impl Connection {
    /// Sends one mail, in bounded time.
    pub async fn send(mut self, message: &Message) -> Sending {
        let sent = timeout(self.time_max, self.try_send(message)).await;
        let sending = match sent {
            Ok(Ok(reply)) if reply.code == 250 => return Sending::Accepted(reply, self),
            Ok(Ok(reply)) => Sending::Refused(reply),
            Ok(Err(cut_off)) => Sending::CutOff(cut_off),
            Err(_) => Sending::CutOff(CutOff::timed_out()),
        };
        match &sending {
            Sending::CutOff(_) => self.state.set_down(true),
            _ => drop(tokio::spawn(self.quit())),
        }
        sending
    }

    /// The first answer that does not let the mail go on, or that to the whole of it.
    async fn try_send(&mut self, message: &Message) -> Result<Reply, CutOff> {
        let Message { from, to, text } = message;
        let mut parameters = Vec::new();
        if !(from.as_ref() as &str).is_ascii() || !(to.as_ref() as &str).is_ascii() {
            if !self.connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Ok(Reply::new(0, "the mail server takes only addresses in ASCII"));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        let reply = self.ask(Mail::new(Some(from.clone()), parameters)).await?;
        if reply.code == LOG_IN_FIRST {
            return Err(CutOff("the mail server wants a log-in".to_owned()));
        }
        if !goes_on(&reply, &[250])? {
            return Ok(reply);
        }
        let reply = self.ask(Rcpt::new(to.clone(), Vec::new())).await?;
        if !goes_on(&reply, &[250, 251])? {
            return Ok(reply);
        }
        let reply = self.ask(Data).await?;
        if !goes_on(&reply, &[354])? {
            return Ok(reply);
        }
        self.ask(Body(text)).await
    }

    /// The answer to one command, unless it says nothing of the mail.
    async fn ask(&mut self, command: impl fmt::Display) -> Result<Reply, CutOff> {
        let reply = match self.connection.command(command).await {
            Ok(response) => reply(&response),
            Err(error) => {
                let Some(code) = error.status() else {
                    return Err(error.into());
                };
                let text = std::error::Error::source(&error).map(ToString::to_string);
                Reply::new(code.into(), &text.unwrap_or_default())
            }
        };
        match reply.code {
            // Without its text, which may name the recipient: this is logged.
            CLOSING => Err(CutOff("the mail server closes the connection".to_owned())),
            _ => Ok(reply),
        }
    }

    /// Says farewell.
    pub async fn quit(mut self) {
        let _ = timeout(QUIT_TIMEOUT, self.connection.quit()).await;
    }
}

/// Whether the server wants the next command, which only `good` codes say; not where it
/// refuses the mail.
fn goes_on(reply: &Reply, good: &[u16]) -> Result<bool, CutOff> {
    match reply.code {
        code if good.contains(&code) => Ok(true),
        400..600 => Ok(false),
        code => Err(CutOff(format!("{code} is no answer to the command"))),
    }
}

fn reply(response: &Response) -> Reply {
    let lines: Vec<_> = response.message().collect();
    Reply::new(response.code().into(), &lines.join(" "))
}

/// A mail as it goes after DATA, in one write with its end. lettre's own `message`
/// writes the end by itself, which Nagle's algorithm holds back until the server's
/// delayed acknowledgement: 40 ms a mail.
struct Body<'a>(&'a str);

/// Source: RFC 5321, 4.5.2: a line that begins with a dot gets another one.
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
        };
        Server::new(&config, "shop.example")
    }

    #[test]
    fn a_url_says_where_the_server_is_and_how_to_speak_to_it() {
        for (url, host, port, security, log_in) in [
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
            assert_eq!(read, (host, port, security, log_in), "{url}");
        }
    }

    #[test]
    fn a_bad_url_is_told_without_its_password() {
        for url in ["imap://u:secret@mail.example", "smtp://u:secret@", "smtp://u:secret@h?tls=x"] {
            let error = server(url).err().expect("it is bad").to_string();
            assert!(error.starts_with("SMTP_URL: ") && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn no_line_of_a_mail_ends_it() {
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
