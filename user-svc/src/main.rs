//! The process of user-svc: reads the settings, then serves or runs a command.

use std::process::ExitCode;

use mesh::{boot, config, server::Listeners};
use user_svc::{commands, config::Config, config::DEFAULTS};

fn main() -> ExitCode {
    let config: Config = config::parse(DEFAULTS);
    boot::main("user-svc", &config.settings.telemetry.clone(), async move |process| {
        if let Some(command) = &config.command {
            return commands::run(&config, command).await;
        }
        let listeners = Listeners::bind(&config.settings.server).await?;
        user_svc::run(config, listeners, process).await
    })
}
