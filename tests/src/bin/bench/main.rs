//! `make bench`: how fast the store is, each figure compared with a baseline of the same run. Store
//! and baseline alternate for several rounds, and the medians are compared. The load generator runs
//! on the same machine, so its cost is included.
//!
//! notify-svc does not run: mail delivery is measured elsewhere.

mod load;
mod pgbench;
mod report;

use std::{error::Error, process::ExitCode, time::Duration};

use devstack::{Options, Part, Service, Stack};

use crate::report::{Figure, Report};

/// Concurrent clients, of the store and of the baseline.
const CLIENTS: usize = 32;
/// Products of the spread checkouts.
const PRODUCTS: usize = 1000;
const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(8);

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<Report> {
    let folder = tempfile::tempdir()?;
    let service = Part::Service;
    let parts = [
        Part::Postgres,
        Part::Kafka,
        service(Service::USER),
        service(Service::PRODUCT),
        service(Service::ORDER),
        service(Service::GATEWAY),
    ];
    let stack = Stack::start(Options::new(folder.path()).parts(parts)).await?;
    let result = measure(&stack).await;
    stack.stop().await;
    let report = result?;
    report.write(&target_folder()?.join("bench"))?;
    Ok(report)
}

/// Returns `target`; this program is in `target/release`.
fn target_folder() -> Result<std::path::PathBuf> {
    let program = std::env::current_exe()?;
    let folder = program.ancestors().nth(2).ok_or("the program is in target/release")?;
    Ok(folder.to_owned())
}

async fn measure(stack: &Stack) -> Result<Report> {
    let buyers = load::Buyers::sign_up(stack, CLIENTS).await?;
    let products = load::create_products(stack, PRODUCTS).await?;
    let pgbench = pgbench::Pgbench::prepare(stack, PRODUCTS).await?;
    let listing = load::Listing::prepare(stack).await?;

    let mut rounds = Rounds::default();
    for round in 1..=ROUNDS {
        eprintln!("bench: round {round} of {ROUNDS}");
        rounds.spread.push(buyers.place_orders(&products, ROUND).await?);
        rounds.bare_spread.push(pgbench.run(PRODUCTS, CLIENTS, ROUND).await?);
        rounds.hot.push(buyers.place_orders(&products[..1], ROUND).await?);
        rounds.bare_hot.push(pgbench.run(1, CLIENTS, ROUND).await?);
        rounds.list.push(listing.measure_store(CLIENTS, ROUND).await?);
        rounds.constant.push(listing.measure_constant(CLIENTS, ROUND).await?);
    }
    let Rounds { spread, bare_spread, hot, bare_hot, list, constant } = rounds;
    Ok(Report::new(vec![
        Figure::new("checkout-spread", "orders/s", &spread, &bare_spread, 0.5),
        Figure::new("checkout-hot", "orders/s", &hot, &bare_hot, 3.0),
        Figure::new("checkout-hot-of-spread", "orders/s", &hot, &spread, 0.8),
        Figure::new("list-products", "calls/s", &list, &constant, 0.8),
    ]))
}

/// The figures of each round, per second.
#[derive(Default)]
struct Rounds {
    spread: Vec<f64>,
    bare_spread: Vec<f64>,
    hot: Vec<f64>,
    bare_hot: Vec<f64>,
    list: Vec<f64>,
    constant: Vec<f64>,
}
