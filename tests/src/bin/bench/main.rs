//! `make bench`: how fast the store is, each figure against something bare in the same
//! run. Ours and the other take turns for several rounds; medians count. The load
//! generator shares the machine and is counted among the costs.
//!
//! The mail side stays down here: it has figures of its own.

mod load;
mod pgbench;
mod report;

use std::{error::Error, process::ExitCode, time::Duration};

use devstack::{Options, Part, Service, Stack};

use crate::report::{Figure, Report};

/// How many clients ask at once, on both sides.
const CLIENTS: usize = 32;
/// How many products a spread checkout chooses among.
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

/// `target`, where this program lies in `target/release`.
fn target_folder() -> Result<std::path::PathBuf> {
    let program = std::env::current_exe()?;
    let folder = program.ancestors().nth(2).ok_or("a program lies in target/release")?;
    Ok(folder.to_owned())
}

async fn measure(stack: &Stack) -> Result<Report> {
    let buyers = load::Buyers::sign_up(stack, CLIENTS).await?;
    let products = load::stock(stack, PRODUCTS).await?;
    let pgbench = pgbench::Pgbench::prepare(stack, PRODUCTS).await?;
    let listing = load::Listing::prepare(stack).await?;

    let mut rounds = Rounds::default();
    for round in 1..=ROUNDS {
        eprintln!("bench: round {round} of {ROUNDS}");
        rounds.spread.push(buyers.place_orders(&products, ROUND).await?);
        rounds.bare_spread.push(pgbench.run(PRODUCTS, CLIENTS, ROUND).await?);
        rounds.hot.push(buyers.place_orders(&products[..1], ROUND).await?);
        rounds.bare_hot.push(pgbench.run(1, CLIENTS, ROUND).await?);
        rounds.list.push(listing.ask_ours(CLIENTS, ROUND).await?);
        rounds.constant.push(listing.ask_constant(CLIENTS, ROUND).await?);
    }
    let Rounds { spread, bare_spread, hot, bare_hot, list, constant } = rounds;
    Ok(Report::new(vec![
        Figure::new("checkout-spread", "orders/s", &spread, &bare_spread, 0.5),
        Figure::new("checkout-hot", "orders/s", &hot, &bare_hot, 3.0),
        Figure::new("checkout-hot-of-spread", "orders/s", &hot, &spread, 0.8),
        Figure::new("list-products", "calls/s", &list, &constant, 0.8),
    ]))
}

/// What each round measured, a second.
#[derive(Default)]
struct Rounds {
    spread: Vec<f64>,
    bare_spread: Vec<f64>,
    hot: Vec<f64>,
    bare_hot: Vec<f64>,
    list: Vec<f64>,
    constant: Vec<f64>,
}
