//! The gateway as a process: settings, telemetry, sockets, then [`gateway::run`].

use std::process::ExitCode;

use gateway::config::{Config, DEFAULTS};
use mesh::server::Listeners;

fn main() -> ExitCode {
    let config: Config = mesh::config::parse(DEFAULTS);
    let telemetry = config.telemetry.clone();
    mesh::boot::main("gateway", &telemetry, async |process| {
        let listeners = Listeners::bind(&config.server).await?;
        gateway::run(config, listeners, process).await
    })
}
