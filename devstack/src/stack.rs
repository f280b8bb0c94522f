//! A running store: starts its parts in order, breaks single ones when told to, stops them in reverse
//! order.

use std::collections::BTreeMap;
use std::fs::File;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use futures::future::{join_all, try_join_all};
use nix::sys::signal::Signal;
use tokio::sync::{Mutex, watch};
use topology::Service;

use crate::addresses::Addresses;
use crate::chores::Chores;
use crate::options::Options;
use crate::part::Part;
use crate::ports::{Assigned, Socket};
use crate::process::{self, Program};
use crate::secrets::Secrets;
use crate::supervisor::{State, Supervisor};
use crate::{
    certificates, exports, kafka, mailbox, postgres, ready, seed, services, state, welcome,
};

const MIGRATE_MAX: Duration = Duration::from_secs(300);

/// The whole store or some of its parts. Dropping it kills what runs; [`Self::stop`] is the clean way.
pub struct Stack {
    options: Options,
    addresses: Addresses,
    chores: Chores,
    parts: Mutex<BTreeMap<Part, Supervisor>>,
    failure: watch::Sender<Option<String>>,
    /// Keeps the state folder ours.
    _claim: File,
}

impl Stack {
    /// Starts a store and waits until all of it is ready.
    pub async fn start(options: Options) -> Result<Self> {
        let stack = Self::prepare(options).await?;
        if let Err(error) = stack.bring_up().await {
            stack.stop().await;
            return Err(error);
        }
        Ok(stack)
    }

    /// Claims the folder and the ports; nothing runs yet.
    pub async fn prepare(mut options: Options) -> Result<Self> {
        options.dir = std::path::absolute(&options.dir)?;
        let dir = &options.dir;
        let claim = state::claim(dir)?;
        exports::withdraw(dir);
        process::end_leftovers(&dir.join("run")).await?;
        options.parts.retain(|part| !options.external.replaces(*part));
        options.parts.sort();
        options.parts.dedup();
        let ports = Assigned::choose(&options.ports, &options.parts)?;
        certificates::set_up(&dir.join("tls"))?;
        let addresses = Addresses::new(dir, ports, Secrets::open(dir)?, options.external.clone());
        Ok(Self {
            addresses,
            chores: Chores::default(),
            parts: Mutex::default(),
            failure: watch::Sender::new(None),
            _claim: claim,
            options,
        })
    }

    /// Starts all parts, waits until they are ready and tells it in `env`. On an error what was started
    /// runs on, until [`Self::stop`].
    pub async fn bring_up(&self) -> Result<()> {
        tokio::select! {
            done = self.start_all() => done,
            error = self.failed() => Err(error),
        }
    }

    /// Waits until a part has died too often, and says how.
    pub async fn failed(&self) -> anyhow::Error {
        let mut failure = self.failure.subscribe();
        let text = failure.wait_for(Option::is_some).await;
        let text = text.ok().and_then(|text| text.clone()).unwrap_or_default();
        anyhow!(text)
    }

    async fn start_all(&self) -> Result<()> {
        tokio::try_join!(
            self.start_if_here(Part::Postgres),
            self.start_if_here(Part::Kafka),
            self.start_if_here(Part::Mailbox),
        )?;
        if self.options.external.kafka_brokers.is_some() && self.wants_services() {
            self.wait_kafka().await?;
        }
        let services: Vec<Part> =
            self.options.parts.iter().copied().filter(|part| part.service().is_some()).collect();
        try_join_all(services.iter().map(|part| self.migrate(*part))).await?;
        if self.has(Part::Service(Service::GATEWAY)) {
            seed::write_files(&self.options.dir)?;
        }
        try_join_all(services.iter().map(|part| self.start_if_here(*part))).await?;
        self.seed().await?;
        exports::publish(&self.options.dir, &self.exports()?)
    }

    fn wants_services(&self) -> bool {
        self.options.parts.iter().any(|part| part.service().is_some())
    }

    fn has(&self, part: Part) -> bool {
        self.options.parts.contains(&part)
    }

    async fn start_if_here(&self, part: Part) -> Result<()> {
        if !self.has(part) {
            return Ok(());
        }
        let start = Instant::now();
        let program = self.program(part).await?;
        process::truncate(&program.log)?;
        let pid_file = self.options.dir.join("run").join(part.to_string());
        let progress = self.options.progress.clone();
        let supervisor =
            Supervisor::start(part.to_string(), program, pid_file, progress, self.failure.clone());
        self.parts.lock().await.insert(part, supervisor);
        self.wait_ready(part).await?;
        let seconds = start.elapsed().as_secs_f32();
        (self.options.progress)(&format!("{part} is ready ({seconds:.1} s)"));
        Ok(())
    }

    async fn program(&self, part: Part) -> Result<Program> {
        let dir = &self.options.dir;
        let port = |socket| self.addresses.port(socket);
        match part {
            Part::Postgres => {
                postgres::program(
                    dir,
                    port(Socket::Postgres)?,
                    self.addresses.secrets(),
                    &self.chores,
                )
                .await
            }
            Part::Kafka => {
                kafka::program(
                    dir,
                    port(Socket::Kafka)?,
                    port(Socket::KafkaController)?,
                    &self.chores,
                )
                .await
            }
            Part::Mailbox => mailbox::program(dir, port(Socket::Smtp)?, port(Socket::MailboxWeb)?),
            Part::Service(_) | Part::Replica(_) => self.service_program(part),
        }
    }

    fn service_program(&self, part: Part) -> Result<Program> {
        let own = self.options.environment.iter().filter(|(of, _, _)| *of == part);
        Ok(services::program(part, &self.addresses)?
            .environment(own.map(|(_, name, value)| (name.clone(), value.clone()))))
    }

    /// Brings the schema of a service up; a second process of it has the same.
    async fn migrate(&self, part: Part) -> Result<()> {
        let Part::Service(service) = part else { return Ok(()) };
        if service.database().is_none() {
            return Ok(());
        }
        let mut program = self.service_program(part)?.arguments(["migrate"]);
        program.log = self.options.dir.join(format!("logs/{part}-migrate.log"));
        process::truncate(&program.log)?;
        self.chores.run(program, MIGRATE_MAX).await
    }

    async fn seed(&self) -> Result<()> {
        let store = [Service::USER, Service::PRODUCT, Service::GATEWAY].map(Part::Service);
        if !store.iter().all(|part| self.has(*part)) || seed::is_done(&self.options) {
            return Ok(());
        }
        let dir = &self.options.dir;
        let product_svc = self.service_program(Part::Service(Service::PRODUCT))?;
        let user_svc = self.service_program(Part::Service(Service::USER))?;
        let gateway_url = self.addresses.gateway_url().context("the gateway is here")?;
        tokio::try_join!(
            seed::import_catalogue(dir, product_svc, &self.chores),
            seed::create_admin(dir, user_svc, &self.chores),
            seed::sign_up_customer(gateway_url),
        )?;
        (self.options.progress)("the demo catalogue and two accounts are in");
        seed::note_done(&self.options)
    }

    /// Waits until a part is ready, or has failed.
    pub async fn wait_ready(&self, part: Part) -> Result<()> {
        let port = |socket| self.addresses.port(socket);
        let ready = async {
            match part {
                Part::Postgres => {
                    let url = self.addresses.postgres_url(postgres::SUPERUSER)?;
                    let connect = async || postgres::connect(&url).await;
                    let client = ready::wait("postgres", connect).await?;
                    postgres::set_up(&client, self.addresses.secrets()).await
                }
                Part::Kafka => {
                    let port = port(Socket::Kafka)?;
                    ready::wait("kafka", async || ready::listens(port).await).await?;
                    self.wait_kafka().await
                }
                Part::Mailbox => {
                    let (smtp, web) = (port(Socket::Smtp)?, port(Socket::MailboxWeb)?);
                    ready::wait("mailbox", async || {
                        ready::listens(smtp).await?;
                        ready::http_ok(web, "/healthz").await
                    })
                    .await
                }
                Part::Service(_) | Part::Replica(_) => {
                    let port = port(Socket::Admin(part))?;
                    let probe = async || ready::http_ok(port, "/readyz").await;
                    ready::wait(&part.to_string(), probe).await
                }
            }
        };
        tokio::select! {
            done = ready => done,
            error = self.failed() => Err(error),
        }
    }

    async fn wait_kafka(&self) -> Result<()> {
        let brokers = self.addresses.kafka_brokers().context("no broker")?;
        ready::wait("kafka", async || kafka::create_topics(&brokers).await).await
    }

    /// Where everything is.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// All that the store tells the outside, as names and values.
    pub fn exports(&self) -> Result<Vec<(String, String)>> {
        exports::of(&self.addresses)
    }

    /// The same with what gives a test databases of its own.
    pub fn test_exports(&self) -> Result<Vec<(String, String)>> {
        exports::of_tests(&self.addresses)
    }

    /// Addresses, logins and first commands, for a person.
    pub fn welcome(&self) -> String {
        welcome::text(&self.addresses)
    }

    /// Stops all in order: services, mailbox, Kafka, PostgreSQL.
    pub async fn stop(&self) {
        exports::withdraw(&self.options.dir);
        self.chores.settle().await;
        let mut parts = self.parts.lock().await;
        let (services, servers): (Vec<_>, Vec<_>) =
            parts.iter().partition(|(part, _)| part.service().is_some());
        join_all(services.iter().map(|(_, supervisor)| supervisor.stop())).await;
        for (_, supervisor) in servers.iter().rev() {
            supervisor.stop().await;
        }
        parts.clear();
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        exports::withdraw(&self.options.dir);
    }
}

/// Faults, one part at a time.
impl Stack {
    /// Kills all processes of a part at once, and waits until they are dead. It is started again, as
    /// after any death.
    pub async fn kill(&self, part: Part) -> Result<()> {
        self.end_life(part, |_| Signal::SIGKILL).await
    }

    /// Asks a part to end, and waits until it has. It is started again.
    pub async fn terminate(&self, part: Part) -> Result<()> {
        self.end_life(part, |program| program.stop_signal).await
    }

    async fn end_life(&self, part: Part, signal: fn(&Program) -> Signal) -> Result<()> {
        let mut parts = self.parts.lock().await;
        let supervisor = parts.get_mut(&part).with_context(|| format!("{part} is not here"))?;
        supervisor.end_life(signal(supervisor.program())).await;
        Ok(())
    }

    /// Halts all processes of a part: it answers nothing, and its connections stay open.
    pub async fn pause(&self, part: Part) -> Result<()> {
        self.signal(part, Signal::SIGSTOP).await
    }

    /// Lets a halted part go on.
    pub async fn resume(&self, part: Part) -> Result<()> {
        self.signal(part, Signal::SIGCONT).await
    }

    async fn signal(&self, part: Part, signal: Signal) -> Result<()> {
        let parts = self.parts.lock().await;
        parts.get(&part).with_context(|| format!("{part} is not here"))?.signal(signal).await;
        Ok(())
    }

    /// Stops a part cleanly, until [`Self::start_part`].
    pub async fn stop_part(&self, part: Part) -> Result<()> {
        let parts = self.parts.lock().await;
        parts.get(&part).with_context(|| format!("{part} is not here"))?.stop().await;
        Ok(())
    }

    /// Starts a part that was stopped, with more environment where that is wanted. It may not be ready
    /// yet: see [`Self::wait_ready`].
    pub async fn start_part(&self, part: Part, environment: &[(&str, &str)]) -> Result<()> {
        let more =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let program = self.program(part).await?.environment(more);
        let mut parts = self.parts.lock().await;
        let supervisor = parts.get_mut(&part).with_context(|| format!("{part} is not here"))?;
        supervisor.start_again(program).await;
        Ok(())
    }

    /// The process id of a part, while it runs.
    pub async fn pid(&self, part: Part) -> Option<u32> {
        match *self.parts.lock().await.get(&part)?.state().borrow() {
            State::Running { pid } => Some(pid),
            _ => None,
        }
    }
}
