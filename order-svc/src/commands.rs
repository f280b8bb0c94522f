//! What the program does instead of serving.

use mesh::BoxError;
use mesh_data::commands;

use crate::{
    MIGRATIONS,
    config::{Command, Config},
    consumer::TOPICS,
};

/// Runs a command.
///
/// # Errors
/// Those of the command.
pub async fn run(command: &Command, config: &Config) -> Result<(), BoxError> {
    match command {
        Command::Shared(command) => {
            commands::run(command, &config.settings, MIGRATIONS, &TOPICS).await
        }
    }
}
