//! `make chaos`: runs the mesh with two replicas of each service under load, injects random faults,
//! and counts afterwards whether an order, a unit of stock or a mail was lost or duplicated. The
//! exit code is 1 where the count finds a breach.

mod count;
mod faults;
mod mail_server;
mod network;
mod topics;
mod traffic;

use std::{
    collections::HashMap, error::Error, path::Path, process::ExitCode, rc::Rc, time::Duration,
};

use clap::{Parser, ValueEnum};
use devstack::{Options, Part, Service, Stack};
use futures::{StreamExt, future::ready, stream::FuturesUnordered};
use mesh_data::config::KafkaConfig;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use setup::certificates::SETUP;
use tests::{
    store::{Protocol, Store, channel},
    topics::read_all,
};
use tokio::{
    task::LocalSet,
    time::{Instant, interval, sleep_until, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    count::{Count, Databases},
    faults::{Kind, Target},
    mail_server::MailServer,
    network::Link,
    topics::Topics,
    traffic::{Traffic, lock},
};

/// How long a client repeats a call after the last fault.
const OUTCOME_DURATION_MAX: Duration = Duration::from_secs(60);
/// Calls in flight. Further ones are left out while the store is down.
const CALLS_MAX: usize = 512;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Runs the store under load and faults, then counts what was lost or duplicated.
#[derive(Parser)]
struct Arguments {
    /// Seed of load and faults. Default: a random one.
    #[arg(long)]
    seed: Option<u64>,
    /// Length of the load in seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Purchases per second.
    #[arg(long, default_value_t = 8)]
    rate: u32,
    /// Mean time between two faults in seconds.
    #[arg(long, default_value_t = 4.0)]
    every: f64,
    /// Kinds of faults, separated by commas.
    #[arg(long, value_delimiter = ',', default_values_t = Kind::value_variants().to_vec())]
    faults: Vec<Kind>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match LocalSet::new().run_until(run(arguments)).await {
        Ok(count) => {
            print!("{count}");
            ExitCode::from(u8::from(count.has_breach()))
        }
        Err(error) => {
            eprintln!("chaos: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<Count> {
    let folder = tempfile::tempdir()?;
    let target = start(folder.path()).await?;
    let result = strike(&arguments, &target).await;
    target.stack.stop().await;
    result
}

/// Starts a store in which the connections between two services, and to the database, pass a link.
async fn start(folder: &Path) -> Result<Target> {
    let servers = [Part::Postgres, Part::Kafka, Part::Mailbox];
    let options = Options::new(folder).parts(servers.into_iter().chain(faults::services()));
    let mut stack = Stack::prepare(options).await?;
    let exports: HashMap<String, String> = stack.exports()?.into_iter().collect();
    let mail_server = MailServer::start(port_of(&exports["SMTP_URL"])?).await?;
    let mut links = Vec::new();
    for from in Service::all() {
        let mut variables = Vec::new();
        let mut upstreams = Vec::new();
        for to in from.calls() {
            let link =
                Link::start(format!("{} > {}", from.name(), to.name()), ports(&stack, to)).await?;
            let url = format!("https://localhost:{}", link.port);
            let packages = to.packages().iter();
            upstreams.extend(packages.map(|package| format!("{package}={url}")));
            if to == Service::USER {
                variables.push(("JWKS_URL".into(), format!("{url}/.well-known/jwks.json")));
            }
            variables.push((format!("{}_SVC_URL", to.prefix()), url));
            links.push(link);
        }
        variables.push(("UPSTREAMS".into(), upstreams.join(",")));
        if let Some(url) = stack.addresses().database_url(from) {
            let port = port_of(&url)?;
            let link = Link::start(format!("{} > postgres", from.name()), vec![port]).await?;
            let url = url.replace(&format!(":{port}/"), &format!(":{}/", link.port));
            variables.push(("DATABASE_URL".into(), url));
            links.push(link);
        }
        if from.sends_mail() {
            let port = mail_server.port;
            variables.push(("SMTP_URL".into(), format!("smtp://127.0.0.1:{port}")));
            // A mail that the server rejects for now must not wait for longer than the count does.
            variables.push(("RETRY_SECONDS_MIN".into(), "1".into()));
        }
        for part in [Part::Service(from), Part::Replica(from)] {
            for (name, value) in &variables {
                stack.set_environment(part, name, value);
            }
        }
    }
    stack.bring_up().await?;
    Ok(Target::new(stack, links, mail_server))
}

/// Returns the ports of both replicas.
fn ports(stack: &Stack, service: Service) -> Vec<u16> {
    let replicas = [Part::Service(service), Part::Replica(service)];
    replicas.into_iter().filter_map(|part| stack.addresses().requests_port(part)).collect()
}

fn port_of(url: &str) -> Result<u16> {
    let url: url::Url = url.parse()?;
    Ok(url.port().ok_or("a URL of devstack has a port")?)
}

/// Runs load and faults, waits until the store is quiet, and counts.
async fn strike(arguments: &Arguments, target: &Target) -> Result<Count> {
    let seed = arguments.seed.unwrap_or_else(rand::random);
    let mut rng = StdRng::seed_from_u64(seed);
    let gateways = Link::start("clients > gateway".into(), ports(&target.stack, Service::GATEWAY));
    let gateways = gateways.await?;
    let mut store = Store::of(&target.stack);
    store.channel = channel(&format!("http://127.0.0.1:{}", gateways.port), Protocol::Grpc);
    let hangs_up = arguments.faults.contains(&Kind::Callers);
    let give_up = CancellationToken::new();
    let traffic = Rc::new(Traffic::prepare(store.clone(), hangs_up, give_up.clone()).await);
    let databases = Databases::connect(&target.stack).await?;
    databases.verify_addresses().await?;
    println!("seed {seed}, {} s, {} purchases per second", arguments.seconds, arguments.rate);

    let end = Instant::now() + Duration::from_secs(arguments.seconds);
    let (calls, mut load, mut faults) = (TaskTracker::new(), rng.fork(), rng.fork());
    let ((), struck) = tokio::join!(
        run_load(arguments, &traffic, &calls, &mut load, end),
        run_faults(arguments, target, &mut faults, end),
    );
    for part in faults::processes() {
        target.stack.wait_ready(part).await?;
    }
    println!("the faults are over");
    calls.close();
    if timeout(OUTCOME_DURATION_MAX, calls.wait()).await.is_err() {
        give_up.cancel();
        calls.wait().await;
    }
    count(target, &traffic, &store, struck).await
}

/// Starts calls at the rate until the end.
async fn run_load(
    arguments: &Arguments,
    traffic: &Rc<Traffic>,
    calls: &TaskTracker,
    rng: &mut StdRng,
    end: Instant,
) {
    let mut ticks = interval(Duration::from_secs(1) / arguments.rate.max(1));
    for tick in 0_u64.. {
        ticks.tick().await;
        if Instant::now() >= end {
            return;
        }
        if calls.len() >= CALLS_MAX {
            continue;
        }
        let (buyer, browser, admin) = (Rc::clone(traffic), Rc::clone(traffic), Rc::clone(traffic));
        let seed: u64 = rng.random();
        calls.spawn_local(async move { buyer.buy(seed).await });
        calls.spawn_local(async move { browser.browse(seed).await });
        if tick % 8 == 0 {
            calls.spawn_local(async move { admin.administer(seed).await });
        }
    }
}

/// Injects faults until the end, waits until the last one is over, and returns how many there were.
async fn run_faults(
    arguments: &Arguments,
    target: &Target,
    rng: &mut StdRng,
    end: Instant,
) -> usize {
    let kinds = arguments.faults.iter().copied().filter(|kind| *kind != Kind::Callers);
    let kinds: Vec<Kind> = kinds.collect();
    let mut running = FuturesUnordered::new();
    let mut struck = 0;
    while !kinds.is_empty() && Instant::now() < end {
        let pause = Duration::from_secs_f64(rng.random_range(0.0..2.0 * arguments.every));
        let next = sleep_until(end.min(Instant::now() + pause));
        tokio::pin!(next);
        loop {
            tokio::select! {
                () = &mut next => break,
                Some(injected) = running.next() => struck += usize::from(injected),
            }
        }
        if Instant::now() < end {
            running.push(target.inject(&kinds, rng.fork()));
        }
    }
    sleep_until(end).await;
    struck + running.filter(|injected| ready(*injected)).count().await
}

async fn count(target: &Target, traffic: &Traffic, store: &Store, struck: usize) -> Result<Count> {
    let databases = Databases::connect(&target.stack).await?;
    let unfinished = databases.wait_until_quiet().await?;
    let exports: HashMap<String, String> = target.stack.exports()?.into_iter().collect();
    let tls = Path::new(&exports["DEVSTACK_TLS_DIR"]);
    let kafka = KafkaConfig {
        kafka_brokers: exports["KAFKA_BROKERS"].clone(),
        kafka_tls_ca_file: tls.join("ca.pem"),
        kafka_tls_cert_file: tls.join(format!("{SETUP}.pem")),
        kafka_tls_key_file: tls.join(format!("{SETUP}-key.pem")),
    };
    let topics = Topics(tokio::task::spawn_blocking(move || read_all(&kafka)).await??);
    let record = &traffic.record;
    for (failure, times) in &*lock(&record.failures) {
        println!("{times:>7}  {failure}");
    }
    let mut count = Count::default();
    count.note("faults", struck);
    count.orders(&databases, record).await?;
    count.require_zero("purchases without a known outcome", *lock(&record.unresolved));
    count.stock(&databases, record).await?;
    let accepted = target.mail_server.accepted();
    count.mails(&databases, &topics, &accepted, target.duplicates_max()).await?;
    count.statistics(&databases, store).await?;
    count.require_zero("pieces of unfinished work after the faults", unfinished);
    count.connections(&databases).await?;
    count.require_zero("failures that no fault explains", lock(&record.unexpected).len() as i64);
    Ok(count)
}
