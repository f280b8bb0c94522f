//! The program order-svc: reads its settings, then serves or runs a command.

use std::process::ExitCode;

use mesh::{boot, config, server::Listeners};
use order_svc::{Config, DEFAULTS, commands, run};

fn main() -> ExitCode {
    let config: Config = config::parse(DEFAULTS);
    let telemetry = config.settings.telemetry.clone();
    boot::main("order-svc", &telemetry, async move |process| {
        let Some(command) = &config.command else {
            let listeners = Listeners::bind(&config.settings.server).await?;
            return run(config, listeners, process).await;
        };
        commands::run(command, &config).await
    })
}
