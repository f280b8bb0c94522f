//! The process of product-svc: serves, or runs a command.

use mesh::{config, server::Listeners};
use product_svc::{
    commands,
    config::{Config, DEFAULTS},
};

fn main() -> std::process::ExitCode {
    let config: Config = config::parse(DEFAULTS);
    let telemetry = config.settings.telemetry.clone();
    mesh::boot::main("product-svc", &telemetry, async move |process| match &config.command {
        Some(command) => commands::run(command, &config).await,
        None => {
            let listeners = Listeners::bind(&config.settings.server).await?;
            product_svc::run(config, listeners, process).await
        }
    })
}
