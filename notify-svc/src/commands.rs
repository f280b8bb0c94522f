//! What the program does instead of serving.

use mesh::BoxError;
use mesh_data::commands;

use crate::{
    MIGRATIONS,
    config::{Command, Config},
};

/// Runs a command.
///
/// # Errors
/// Those of the command.
pub async fn run(command: &Command, config: &Config) -> Result<(), BoxError> {
    match command {
        Command::Shared(command) => {
            let topics = proto::topics::of_package("shopmesh.notify.v1");
            commands::run(command, &config.settings, MIGRATIONS, topics).await
        }
    }
}
