//! The faults: which there are, and how one begins and ends.

use std::{
    collections::BTreeSet,
    fmt,
    process::Stdio,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use clap::ValueEnum;
use devstack::{Part, Service, Stack};
use rand::{RngExt, rngs::StdRng};
use tokio::{
    process::Command,
    time::{Instant, sleep},
};

use crate::{
    Result,
    mail_server::{MailServer, Misbehaviour, Step},
    network::{Condition, Link},
    traffic::lock,
};

/// Mails that the workers of one replica deliver at the same time.
const MAILS_IN_FLIGHT_MAX: usize = 4;

/// A kind of fault, as an option names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Kind {
    /// SIGKILL of a process: a service, PostgreSQL or Kafka.
    Kill,
    /// A clean stop of a process, which starts again.
    Stop,
    /// A process that is halted for some seconds.
    Freeze,
    /// A link between two programs that is reset, slow, or carries nothing.
    Network,
    /// A mail server that hangs, rejects or hangs up at a step of the dialogue.
    Mail,
    /// A disk that is full for Kafka.
    Disk,
    /// Callers that hang up at any moment.
    Callers,
}

/// One fault.
enum Fault {
    Kill(Part),
    Stop(Part),
    Freeze(Part, Duration),
    Network(usize, Condition, Duration),
    Mail(Step, Misbehaviour, Duration),
    Disk,
}

/// What faults act on.
pub struct Target {
    pub stack: Stack,
    pub links: Vec<Link>,
    pub mail_server: MailServer,
    /// What suffers a fault at this moment: a process, a link or the mail server.
    busy: Mutex<BTreeSet<String>>,
    /// Mails that faults of processes and links may have duplicated.
    duplicates_max: AtomicUsize,
    begin: Instant,
}

impl Target {
    pub fn new(stack: Stack, links: Vec<Link>, mail_server: MailServer) -> Self {
        let (busy, duplicates_max) = (Mutex::default(), AtomicUsize::new(0));
        Self { stack, links, mail_server, busy, duplicates_max, begin: Instant::now() }
    }

    /// Injects one random fault of the given kinds and ends it. Returns its description, or nothing
    /// where its victim suffers from another one.
    pub async fn inject(&self, kinds: &[Kind], mut rng: StdRng) -> bool {
        let Some(fault) = self.choose(kinds, &mut rng) else { return false };
        let victim = self.victim(&fault);
        if !lock(&self.busy).insert(victim.clone()) {
            return false;
        }
        self.report(&self.describe(&fault));
        if self.may_duplicate_mails(&fault) {
            self.duplicates_max.fetch_add(MAILS_IN_FLIGHT_MAX, Ordering::Relaxed);
        }
        let result = self.execute(&fault).await;
        lock(&self.busy).remove(&victim);
        if let Err(error) = result {
            self.report(&format!("{}: {error}", self.describe(&fault)));
        }
        true
    }

    fn report(&self, text: &str) {
        println!("{:>5} s  {text}", self.begin.elapsed().as_secs());
    }

    /// Returns how many mails the faults until now may have duplicated.
    pub fn duplicates_max(&self) -> usize {
        self.duplicates_max.load(Ordering::Relaxed) + self.mail_server.unanswered()
    }

    /// Returns whether a fault can come between the acceptance of a mail and the commit of its
    /// delivery result.
    fn may_duplicate_mails(&self, fault: &Fault) -> bool {
        match *fault {
            Fault::Kill(part) | Fault::Stop(part) | Fault::Freeze(part, _) => {
                part == Part::Postgres || part.service() == Some(Service::NOTIFY)
            }
            Fault::Network(link, ..) => self.links[link].name.starts_with(Service::NOTIFY.name()),
            // The mail server itself counts what it does not answer.
            Fault::Mail(..) | Fault::Disk => false,
        }
    }

    fn choose(&self, kinds: &[Kind], rng: &mut StdRng) -> Option<Fault> {
        let processes: Vec<Part> = processes().collect();
        let process = processes[rng.random_range(0..processes.len())];
        let duration = Duration::from_millis(rng.random_range(200..5000));
        let fault = match kinds[rng.random_range(0..kinds.len())] {
            Kind::Kill => Fault::Kill(process),
            Kind::Stop => Fault::Stop(process),
            Kind::Freeze => Fault::Freeze(process, duration),
            Kind::Network => {
                let condition = match rng.random_range(0..3) {
                    0 => Condition::Broken,
                    1 => Condition::Slow(Duration::from_millis(rng.random_range(5..200))),
                    _ => Condition::Stalled,
                };
                Fault::Network(rng.random_range(0..self.links.len()), condition, duration)
            }
            Kind::Mail => Fault::Mail(
                Step::ALL[rng.random_range(0..Step::ALL.len())],
                Misbehaviour::ALL[rng.random_range(0..Misbehaviour::ALL.len())],
                duration,
            ),
            Kind::Disk => Fault::Disk,
            Kind::Callers => return None,
        };
        Some(fault)
    }

    fn victim(&self, fault: &Fault) -> String {
        match fault {
            Fault::Kill(part) | Fault::Stop(part) | Fault::Freeze(part, _) => part.to_string(),
            Fault::Network(link, ..) => self.links[*link].name.clone(),
            Fault::Mail(..) => "mail server".into(),
            Fault::Disk => Part::Kafka.to_string(),
        }
    }

    fn describe(&self, fault: &Fault) -> String {
        let victim = self.victim(fault);
        match fault {
            Fault::Kill(_) => format!("kill {victim}"),
            Fault::Stop(_) => format!("stop {victim}"),
            Fault::Freeze(_, duration) => format!("freeze {victim} for {duration:?}"),
            Fault::Network(_, condition, duration) => {
                format!("{victim} is {condition:?} for {duration:?}")
            }
            Fault::Mail(step, misbehaviour, duration) => {
                format!("the mail server does {misbehaviour:?} at {step:?} for {duration:?}")
            }
            Fault::Disk => "the disk of kafka is full".into(),
        }
    }

    async fn execute(&self, fault: &Fault) -> Result<()> {
        match *fault {
            Fault::Kill(part) => self.stack.kill(part).await?,
            Fault::Stop(part) => self.stack.terminate(part).await?,
            Fault::Freeze(part, duration) => {
                self.stack.pause(part).await?;
                sleep(duration).await;
                self.stack.resume(part).await?;
            }
            Fault::Network(link, condition, duration) => {
                self.links[link].set(condition);
                sleep(duration).await;
                self.links[link].set(Condition::Open);
            }
            Fault::Mail(step, misbehaviour, duration) => {
                self.mail_server.set(Some((step, misbehaviour)));
                sleep(duration).await;
                self.mail_server.set(None);
            }
            Fault::Disk => self.fill_disk().await?,
        }
        if let Fault::Kill(part) | Fault::Stop(part) = *fault {
            self.stack.wait_ready(part).await?;
        }
        Ok(())
    }

    /// Lets every write of the broker beyond the first bytes of a file fail. The broker ends, as it
    /// does where the disk is full, and starts without the limit.
    async fn fill_disk(&self) -> Result<()> {
        let Some(pid) = self.stack.pid(Part::Kafka).await else { return Ok(()) };
        let limit = ["--fsize=1".to_owned(), format!("--pid={pid}")];
        let status = Command::new("prlimit").args(limit).stdout(Stdio::null()).status().await?;
        if !status.success() {
            return Err(format!("prlimit: {status}").into());
        }
        while self.stack.pid(Part::Kafka).await == Some(pid) {
            sleep(Duration::from_millis(100)).await;
        }
        Ok(self.stack.wait_ready(Part::Kafka).await?)
    }
}

/// Returns the processes that faults strike: all but the mailbox, whose place the mail server takes.
pub fn processes() -> impl Iterator<Item = Part> {
    let servers = [Part::Postgres, Part::Kafka];
    servers.into_iter().chain(services())
}

/// Returns two replicas of each service.
pub fn services() -> impl Iterator<Item = Part> {
    Service::all().flat_map(|service| [Part::Service(service), Part::Replica(service)])
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.to_possible_value();
        f.write_str(name.as_ref().map_or("", |value| value.get_name()))
    }
}
