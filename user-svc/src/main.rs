//! The process of user-svc: settings, then one of its commands.

use std::process::ExitCode;

use mesh::{config, server::Listeners};
use user_svc::{
    commands,
    config::{Config, DEFAULTS},
};

fn main() -> ExitCode {
    let mut config: Config = config::parse(DEFAULTS);
    mesh::boot::main("user-svc", &config.telemetry.clone(), async move |process| {
        match config.command.take() {
            None => {
                let listeners = Listeners::bind(&config.server).await?;
                user_svc::run(config, listeners, process).await
            }
            Some(command) => commands::run(&config, command).await,
        }
    })
}
