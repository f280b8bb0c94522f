//! A running store: starts its parts in order, stops them in reverse order, and injects faults.

mod faults;

use std::{
    collections::BTreeMap,
    fs::File,
    path,
    time::{Duration, Instant},
};

use anyhow::{Context, Error, Result, anyhow};
use futures::future::{join_all, try_join_all};
use setup::{certificates, keys::Secrets};
use tokio::sync::{Mutex, watch};
use topology::Service;

use crate::{
    addresses::Addresses,
    banner, exports, kafka, mailbox,
    one_shot::OneShots,
    options::Options,
    part::Part,
    ports::{Assigned, Socket},
    postgres,
    process::{self, Program},
    readiness, seed, services, state_dir,
    supervisor::Supervisor,
};

const MIGRATION_DURATION_MAX: Duration = Duration::from_secs(300);

/// The whole store or some of its parts. Dropping it kills what runs; [`Self::stop`] stops it
/// cleanly.
pub struct Stack {
    options: Options,
    addresses: Addresses,
    one_shots: OneShots,
    parts: Mutex<BTreeMap<Part, Supervisor>>,
    failure: watch::Sender<Option<String>>,
    /// Locks the state folder.
    _lock: File,
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

    /// Locks the folder and chooses the ports; starts nothing.
    pub async fn prepare(mut options: Options) -> Result<Self> {
        options.dir = path::absolute(&options.dir)?;
        let dir = &options.dir;
        let lock = state_dir::lock(dir)?;
        exports::remove_file(dir);
        process::end_orphans(&dir.join("run")).await?;
        options.parts.retain(|part| !options.external.replaces(*part));
        options.parts.sort();
        options.parts.dedup();
        let ports = Assigned::choose(&options.ports, &options.parts)?;
        certificates::create_files(&dir.join("tls"))?;
        let addresses = Addresses::new(dir, ports, Secrets::open(dir)?, options.external.clone());
        Ok(Self {
            addresses,
            one_shots: OneShots::default(),
            parts: Mutex::default(),
            failure: watch::Sender::new(None),
            _lock: lock,
            options,
        })
    }

    /// Sets an environment variable of a service, from its next start on.
    pub fn set_environment(&mut self, part: Part, name: &str, value: &str) {
        self.options.environment.push((part, name.to_owned(), value.to_owned()));
    }

    /// Starts all parts, waits until they are ready and writes the file `env`. On an error the
    /// started parts run until [`Self::stop`].
    pub async fn bring_up(&self) -> Result<()> {
        tokio::select! {
            result = self.start_all() => result,
            error = self.failed() => Err(error),
        }
    }

    /// Waits until a part has failed for good, and returns how.
    pub async fn failed(&self) -> Error {
        let mut failure = self.failure.subscribe();
        let text = failure.wait_for(Option::is_some).await;
        let text = text.ok().and_then(|text| text.clone()).unwrap_or_default();
        anyhow!(text)
    }

    async fn start_all(&self) -> Result<()> {
        tokio::try_join!(
            self.start_if_present(Part::Postgres),
            self.start_if_present(Part::Kafka),
            self.start_if_present(Part::Mailbox),
        )?;
        if self.options.external.kafka_brokers.is_some() && self.has_services() {
            self.wait_kafka().await?;
        }
        let services: Vec<Part> =
            self.options.parts.iter().copied().filter(|part| part.service().is_some()).collect();
        try_join_all(services.iter().map(|part| self.migrate(*part))).await?;
        if self.has(Part::Service(Service::GATEWAY)) {
            seed::copy_web_files(&self.options.dir)?;
        }
        try_join_all(services.iter().map(|part| self.start_if_present(*part))).await?;
        self.seed().await?;
        exports::write_file(&self.options.dir, &self.exports()?)
    }

    fn has_services(&self) -> bool {
        self.options.parts.iter().any(|part| part.service().is_some())
    }

    fn has(&self, part: Part) -> bool {
        self.options.parts.contains(&part)
    }

    async fn start_if_present(&self, part: Part) -> Result<()> {
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
                    &self.one_shots,
                )
                .await
            }
            Part::Kafka => {
                kafka::program(
                    dir,
                    port(Socket::Kafka)?,
                    port(Socket::KafkaController)?,
                    &self.one_shots,
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

    /// Migrates the database of a service. Its replica uses the same database.
    async fn migrate(&self, part: Part) -> Result<()> {
        let Part::Service(service) = part else { return Ok(()) };
        if service.database().is_none() {
            return Ok(());
        }
        let owner = self.addresses.migration_database_url(service)?;
        let owner = owner.map(|url| ("MIGRATION_DATABASE_URL".to_owned(), url));
        let mut program = self.service_program(part)?.arguments(["migrate"]).environment(owner);
        program.log = self.options.dir.join(format!("logs/{part}-migrate.log"));
        process::truncate(&program.log)?;
        self.one_shots.run(program, MIGRATION_DURATION_MAX).await
    }

    async fn seed(&self) -> Result<()> {
        let store = [Service::USER, Service::PRODUCT, Service::GATEWAY].map(Part::Service);
        if !store.iter().all(|part| self.has(*part)) || seed::is_done(&self.options) {
            return Ok(());
        }
        let dir = &self.options.dir;
        let product_svc = self.service_program(Part::Service(Service::PRODUCT))?;
        let user_svc = self.service_program(Part::Service(Service::USER))?;
        let gateway_url = self.addresses.gateway_url().context("this store has no gateway")?;
        tokio::try_join!(
            seed::import_catalogue(dir, product_svc, &self.one_shots),
            seed::create_admin(dir, user_svc, &self.one_shots),
            seed::sign_up_customer(gateway_url),
        )?;
        (self.options.progress)("the demo catalogue and two accounts are ready");
        seed::mark_done(&self.options)
    }

    /// Waits until a part is ready, or has failed.
    pub async fn wait_ready(&self, part: Part) -> Result<()> {
        let port = |socket| self.addresses.port(socket);
        let ready = async {
            match part {
                Part::Postgres => {
                    let url = self.addresses.postgres_url(postgres::SUPERUSER)?;
                    let connect = async || postgres::connect(&url).await;
                    readiness::wait("postgres", connect).await?;
                    postgres::create_databases(&url, self.addresses.secrets()).await
                }
                Part::Kafka => {
                    let port = port(Socket::Kafka)?;
                    readiness::wait("kafka", async || readiness::accepts_connections(port).await)
                        .await?;
                    self.wait_kafka().await
                }
                Part::Mailbox => {
                    let (smtp, web) = (port(Socket::Smtp)?, port(Socket::MailboxWeb)?);
                    readiness::wait("mailbox", async || {
                        readiness::accepts_connections(smtp).await?;
                        readiness::http_ok(web, "/healthz").await
                    })
                    .await
                }
                Part::Service(_) | Part::Replica(_) => {
                    let port = port(Socket::Admin(part))?;
                    let probe = async || readiness::http_ok(port, "/readyz").await;
                    readiness::wait(&part.to_string(), probe).await
                }
            }
        };
        tokio::select! {
            result = ready => result,
            error = self.failed() => Err(error),
        }
    }

    async fn wait_kafka(&self) -> Result<()> {
        let broker = self.addresses.broker().context("this store has no broker")?;
        readiness::wait("kafka", async || broker.set_up().await).await
    }

    /// Returns the addresses of all parts.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Returns the environment variables that describe the store.
    pub fn exports(&self) -> Result<Vec<(String, String)>> {
        exports::of(&self.addresses)
    }

    /// Returns [`Self::exports`] and the variable that gives a test databases of its own.
    pub fn test_exports(&self) -> Result<Vec<(String, String)>> {
        exports::of_tests(&self.addresses)
    }

    /// Returns a text with addresses, logins and first commands.
    pub fn banner(&self) -> String {
        banner::text(&self.addresses)
    }

    /// Stops all parts in order: services, mailbox, Kafka, PostgreSQL.
    pub async fn stop(&self) {
        exports::remove_file(&self.options.dir);
        self.one_shots.drain().await;
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
        exports::remove_file(&self.options.dir);
    }
}
