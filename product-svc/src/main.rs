//! The process of product-svc: settings, then serving or one of its commands.

use std::process::ExitCode;

use mesh::{config, server::Listeners};
use mesh_data::{consumer, database};
use product_svc::{
    MIGRATIONS,
    config::{Command, Config, DEFAULTS},
};

fn main() -> ExitCode {
    let config: Config = config::parse(DEFAULTS);
    let telemetry = config.telemetry.clone();
    mesh::boot::main("product-svc", &telemetry, async move |process| match &config.command {
        None => {
            let listeners = Listeners::bind(&config.server).await?;
            product_svc::run(config, listeners, process).await
        }
        Some(Command::Migrate) => database::migrate(&config.database, MIGRATIONS).await,
        Some(Command::Import { file }) => product_svc::import_file(&config, file).await,
        Some(Command::ReplayDeadLetters { topic }) => {
            let count = consumer::replay_dead_letters(&config.kafka, topic).await?;
            println!("{count} dead letters published to {topic} again");
            Ok(())
        }
    })
}
