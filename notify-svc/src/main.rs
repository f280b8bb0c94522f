//! The process of notify-svc: settings, then serving or one of its commands.

use std::process::ExitCode;

use mesh::{config, server::Listeners};
use mesh_data::{consumer, database};
use notify_svc::{
    MIGRATIONS,
    config::{Command, Config, DEFAULTS},
};

fn main() -> ExitCode {
    let config: Config = config::parse(DEFAULTS);
    let telemetry = config.telemetry.clone();
    mesh::boot::main("notify-svc", &telemetry, async move |process| match &config.command {
        None => {
            let listeners = Listeners::bind(&config.server).await?;
            notify_svc::run(config, listeners, process).await
        }
        Some(Command::Migrate) => database::migrate(&config.database, MIGRATIONS).await,
        Some(Command::ReplayDeadLetters { topic }) => {
            let count = consumer::replay_dead_letters(&config.kafka, topic).await?;
            println!("{count} dead letters published to {topic} again");
            Ok(())
        }
    })
}
