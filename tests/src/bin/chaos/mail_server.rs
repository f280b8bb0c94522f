//! The way to the mail server: passes each dialogue on to the mailbox, records what the mailbox
//! accepts, and misbehaves at one step of the dialogue while a fault lasts.

use std::{
    io,
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// A step of the SMTP dialogue: what the server responds to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Connect,
    Hello,
    Sender,
    Recipient,
    Data,
    /// The end of the mail.
    Dot,
}

impl Step {
    pub const ALL: [Self; 6] =
        [Self::Connect, Self::Hello, Self::Sender, Self::Recipient, Self::Data, Self::Dot];
}

/// How the server misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misbehaviour {
    /// Responds only when the fault is over.
    Hang,
    /// Rejects for now.
    Reject,
    /// Closes the connection instead of responding. After the final dot the mail is accepted.
    Drop,
}

impl Misbehaviour {
    pub const ALL: [Self; 3] = [Self::Hang, Self::Reject, Self::Drop];
}

/// A mail that the mailbox accepted.
#[derive(Clone, Debug)]
pub struct Accepted {
    pub message_id: String,
    pub subject: String,
}

type Fault = Option<(Step, Misbehaviour)>;

/// What the mailbox accepted, and how many replies about that a fault held back: each may be the
/// cause of a duplicate.
#[derive(Default)]
struct Journal {
    accepted: Vec<Accepted>,
    unanswered: usize,
}

/// The mail server as notify-svc sees it.
pub struct MailServer {
    /// The port of SMTP.
    pub port: u16,
    fault: watch::Sender<Fault>,
    journal: Arc<Mutex<Journal>>,
}

impl MailServer {
    /// Starts the way to the mailbox that listens at `mailbox_port`.
    pub async fn start(mailbox_port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let (fault, faults) = watch::channel(None);
        let journal = Arc::default();
        let record = Arc::clone(&journal);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let dialogue = Dialogue { faults: faults.clone(), journal: Arc::clone(&record) };
                tokio::spawn(dialogue.run(client, mailbox_port));
            }
        });
        Ok(Self { port, fault, journal })
    }

    /// Misbehaves until the next call; `None` ends it.
    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// Returns all mails that the mailbox accepted.
    pub fn accepted(&self) -> Vec<Accepted> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).accepted.clone()
    }

    /// Returns how many mails were accepted whose sender a fault did not let know.
    pub fn unanswered(&self) -> usize {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).unanswered
    }
}

struct Dialogue {
    faults: watch::Receiver<Fault>,
    journal: Arc<Mutex<Journal>>,
}

impl Dialogue {
    /// Passes the dialogue of one connection on, until an end closes it or a fault does.
    async fn run(mut self, client: TcpStream, mailbox_port: u16) -> io::Result<()> {
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, mailbox_port)).await?;
        let (client_in, mut client_out) = client.into_split();
        let (server_in, mut server_out) = server.into_split();
        let (mut commands, mut replies) = (BufReader::new(client_in), BufReader::new(server_in));
        let mut step = Some(Step::Connect);
        let mut request = String::new();
        loop {
            if self.rejects(step) {
                return client_out.write_all(b"451 4.3.0 Try again later\r\n").await;
            }
            server_out.write_all(request.as_bytes()).await?;
            let reply = read_reply(&mut replies).await?;
            if step == Some(Step::Dot) && reply.starts_with("250") {
                self.record(&request);
            }
            if !self.respond(step).await {
                return Ok(());
            }
            client_out.write_all(reply.as_bytes()).await?;
            let content_follows = step == Some(Step::Data) && reply.starts_with("354");
            if content_follows {
                request = read_content(&mut commands).await?;
                step = Some(Step::Dot);
            } else {
                request = read_line(&mut commands).await?;
                step = step_of(&request);
            }
        }
    }

    fn rejects(&self, step: Option<Step>) -> bool {
        step.is_some_and(|step| *self.faults.borrow() == Some((step, Misbehaviour::Reject)))
    }

    /// Waits while a fault hangs at this step. Returns false if the connection is to be closed.
    async fn respond(&mut self, step: Option<Step>) -> bool {
        let is_at = |fault: &Fault, with| step.is_some_and(|step| *fault == Some((step, with)));
        if is_at(&self.faults.borrow(), Misbehaviour::Drop) {
            return false;
        }
        self.faults.wait_for(|fault| !is_at(fault, Misbehaviour::Hang)).await.is_ok()
    }

    fn record(&self, mail: &str) {
        let head = mail.split("\r\n\r\n").next().unwrap_or_default();
        let header = |name: &str| {
            let line = head.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_default().trim().to_owned()
        };
        let mail = Accepted { message_id: header("Message-ID:"), subject: header("Subject:") };
        let is_answered = self.faults.borrow().is_none_or(|(step, _)| step != Step::Dot);
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal.accepted.push(mail);
        journal.unanswered += usize::from(!is_answered);
    }
}

fn step_of(command: &str) -> Option<Step> {
    let verb = command.split([' ', ':', '\r']).next().unwrap_or_default().to_ascii_uppercase();
    match verb.as_str() {
        "EHLO" | "HELO" => Some(Step::Hello),
        "MAIL" => Some(Step::Sender),
        "RCPT" => Some(Step::Recipient),
        "DATA" => Some(Step::Data),
        _ => None,
    }
}

async fn read_line(from: &mut (impl AsyncBufReadExt + Unpin)) -> io::Result<String> {
    let mut line = String::new();
    if from.read_line(&mut line).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line)
}

/// Returns all lines of a reply; the last one has a space after its code.
async fn read_reply(from: &mut (impl AsyncBufReadExt + Unpin)) -> io::Result<String> {
    let mut reply = String::new();
    loop {
        let line = read_line(from).await?;
        reply.push_str(&line);
        if line.as_bytes().get(3) != Some(&b'-') {
            return Ok(reply);
        }
    }
}

/// Returns a mail with the final dot.
async fn read_content(from: &mut (impl AsyncBufReadExt + Unpin)) -> io::Result<String> {
    let mut content = String::new();
    loop {
        let line = read_line(from).await?;
        content.push_str(&line);
        if line == ".\r\n" {
            return Ok(content);
        }
    }
}
