//! The process of product-svc: settings, then one of its commands.

use std::process::ExitCode;

use mesh::{config, server::Listeners};
use product_svc::{
    MIGRATIONS,
    config::{Command, Config, DEFAULTS},
};

fn main() -> ExitCode {
    let config: Config = config::parse(DEFAULTS);
    mesh::boot::main("product-svc", &config.telemetry.clone(), async move |process| {
        match config.command {
            None => {
                let listeners = Listeners::bind(&config.server).await?;
                product_svc::run(config, listeners, process).await
            }
            Some(Command::Migrate) => mesh::database::migrate(&config.database, MIGRATIONS).await,
            Some(_) => todo!(),
        }
    })
}
